"""`python -m bench`: every benchmark, one after the other."""

import bench.chat
import bench.fanout
import bench.flooded
import bench.idle
import bench.join
import bench.media
import bench.mixed
import bench.rest
import bench.stalled

bench.join.main()
bench.media.main()
bench.chat.main()
bench.fanout.main()
bench.idle.main()
bench.stalled.main()
bench.flooded.main()
bench.rest.main()
bench.mixed.main()
