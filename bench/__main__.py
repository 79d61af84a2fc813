"""`python -m bench`: every benchmark, one after the other."""

import bench.chat
import bench.join
import bench.media

bench.join.main()
bench.media.main()
bench.chat.main()
