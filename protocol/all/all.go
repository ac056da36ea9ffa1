// Package all links every system into a binary: one import line a system.
package all

import (
	_ "github.com/dot-do/dotdo-proxy/protocol/mongo"
	_ "github.com/dot-do/dotdo-proxy/protocol/mysql"
	_ "github.com/dot-do/dotdo-proxy/protocol/nats"
	_ "github.com/dot-do/dotdo-proxy/protocol/postgres"
	_ "github.com/dot-do/dotdo-proxy/protocol/redis"
)
