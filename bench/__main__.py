"""`python -m bench`: every benchmark, one after the other."""

from bench import join, media

join.main()
media.main()
