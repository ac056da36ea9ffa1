package kv

import (
	"math"
	"sort"
	"strconv"

	"github.com/dot-do/dotdo-proxy/backend/op"
)

// Places are sorted sets whose scores are 52-bit geohashes: latitude and
// longitude in 26 bits each, interleaved. Searches look at every member.

// geoCommands are the commands on places.
var geoCommands = map[string]handler{
	"GEOADD":               geoAdd,
	"GEODIST":              geoDist,
	"GEOHASH":              geoHash,
	"GEOPOS":               geoPos,
	"GEORADIUS":            func(c *call) (op.Value, error) { return c.geoRadius(false) },
	"GEORADIUSBYMEMBER":    func(c *call) (op.Value, error) { return c.geoRadius(true) },
	"GEORADIUSBYMEMBER_RO": func(c *call) (op.Value, error) { return c.geoRadius(true) },
	"GEORADIUS_RO":         func(c *call) (op.Value, error) { return c.geoRadius(false) },
	"GEOSEARCH":            func(c *call) (op.Value, error) { return c.geoSearch(0) },
	"GEOSEARCHSTORE":       func(c *call) (op.Value, error) { return c.geoSearch(1) },
}

// Bounds and units of positions.
const (
	geoStep  = 26
	latLimit = 85.05112878
	lonLimit = 180.0
	earth    = 6372797.560856 // metres
)

// place is a longitude and latitude.
type place struct{ lon, lat float64 }

// geoEncode makes the score of a place.
func geoEncode(p place, latMax float64) uint64 {
	lat := uint64((p.lat + latMax) / (2 * latMax) * (1 << geoStep))
	lon := uint64((p.lon + lonLimit) / (2 * lonLimit) * (1 << geoStep))
	var bits uint64
	for i := range geoStep {
		bits |= lat>>i&1<<(2*i) | lon>>i&1<<(2*i+1)
	}
	return bits
}

// geoDecode returns the middle of the cell a score names.
func geoDecode(score float64) place {
	bits := uint64(score)
	var lat, lon uint64
	for i := range geoStep {
		lat |= bits >> (2 * i) & 1 << i
		lon |= bits >> (2*i + 1) & 1 << i
	}
	middle := func(cell uint64, limit float64) float64 {
		lo := -limit + float64(cell)/(1<<geoStep)*2*limit
		hi := -limit + float64(cell+1)/(1<<geoStep)*2*limit
		return min(max((lo+hi)/2, -limit), limit)
	}
	return place{middle(lon, lonLimit), middle(lat, latLimit)}
}

// distance is the great-circle distance in metres.
func distance(a, b place) float64 {
	rad := math.Pi / 180
	u := math.Sin((b.lat - a.lat) * rad / 2)
	v := math.Sin((b.lon - a.lon) * rad / 2)
	return 2 * earth * math.Asin(math.Sqrt(u*u+math.Cos(a.lat*rad)*math.Cos(b.lat*rad)*v*v))
}

// unit reads a unit of length in metres.
func unit(b []byte) (float64, error) {
	switch {
	case is(b, "M"):
		return 1, nil
	case is(b, "KM"):
		return 1000, nil
	case is(b, "FT"):
		return 0.3048, nil
	case is(b, "MI"):
		return 1609.34, nil
	}
	return 0, bad("unsupported unit provided. please use M, KM, FT, MI")
}

// lonLat reads a place.
func lonLat(lon, lat []byte) (p place, err error) {
	var good, good2 bool
	p.lon, good = parseFloat(lon)
	p.lat, good2 = parseFloat(lat)
	if !good || !good2 {
		return p, errFloat
	}
	if math.Abs(p.lon) > lonLimit || math.Abs(p.lat) > latLimit {
		return p, bad("invalid longitude,latitude pair %f,%f", p.lon, p.lat)
	}
	return p, nil
}

// meters formats a distance.
func meters(f float64) op.Value { return op.Bytes(strconv.AppendFloat(nil, f, 'f', 4, 64)) }

// geoAdd implements GEOADD by the rules of ZADD.
func geoAdd(c *call) (op.Value, error) {
	i := 1
	var f zaddFlags
options:
	for ; i < len(c.args); i++ {
		switch a := c.args[i]; {
		case is(a, "NX"):
			f.nx = true
		case is(a, "XX"):
			f.xx = true
		case is(a, "CH"):
			f.ch = true
		default:
			break options
		}
	}
	if f.nx && f.xx || i == len(c.args) || (len(c.args)-i)%3 != 0 {
		return op.Null, errSyntax
	}
	args := [][]byte{c.args[0]}
	for ; i < len(c.args); i += 3 {
		p, err := lonLat(c.args[i], c.args[i+1])
		if err != nil {
			return op.Null, err
		}
		args = append(args, strconv.AppendUint(nil, geoEncode(p, latLimit), 10), c.args[i+2])
	}
	c.args = args
	return c.addScores(f, 1)
}

// geoDist implements GEODIST.
func geoDist(c *call) (op.Value, error) {
	to := 1.0
	if len(c.args) > 4 {
		return op.Null, errSyntax
	}
	if len(c.args) == 4 {
		var err error
		if to, err = unit(c.args[3]); err != nil {
			return op.Null, err
		}
	}
	k, err := c.want(c.args[0], typeZset)
	if err != nil {
		return op.Null, err
	}
	a, err := c.one(&k, c.args[1])
	if err != nil {
		return op.Null, err
	}
	b, err := c.one(&k, c.args[2])
	if err != nil || a.pos == 0 || b.pos == 0 {
		return op.Null, err
	}
	return meters(distance(geoDecode(a.score), geoDecode(b.score)) / to), nil
}

// coordinates answers a place.
func coordinates(p place) op.Value { return op.Array(op.Float64(p.lon), op.Float64(p.lat)) }

// geoPos implements GEOPOS.
func geoPos(c *call) (op.Value, error) {
	return c.eachScore(func(score float64) op.Value { return coordinates(geoDecode(score)) })
}

// geoHash implements GEOHASH: the usual text form, which counts latitudes to
// the poles.
func geoHash(c *call) (op.Value, error) {
	const digits = "0123456789bcdefghjkmnpqrstuvwxyz"
	return c.eachScore(func(score float64) op.Value {
		p := geoDecode(score)
		bits := geoEncode(p, 90)
		b := make([]byte, 11)
		for i := range b {
			n := uint64(0)
			if i < 10 {
				n = bits >> (52 - (i+1)*5) & 31
			}
			b[i] = digits[n]
		}
		return op.Bytes(b)
	})
}

// geoQuery is a parsed search.
type geoQuery struct {
	center                        place
	member                        []byte
	from, by                      int // how many times each was given
	radius                        float64
	width, height                 float64 // a box, when box is set
	box                           bool
	unit                          float64
	order                         int // 1 ascending, -1 descending
	count                         int64
	any                           bool
	withDist, withHash, withCoord bool
	store                         []byte
	stores, storeDist             bool
}

// length reads a radius or side and its unit.
func (q *geoQuery) length(b []byte, name string) (float64, error) {
	f, good := parseFloat(b)
	if !good {
		return 0, bad("need numeric %s", name)
	}
	if f < 0 {
		return 0, bad("%s cannot be negative", name)
	}
	return f, nil
}

// option reads one option that all searches share at args[0]; n is how many
// arguments it took, 0 when it is none.
func (q *geoQuery) option(args [][]byte) (n int, err error) {
	switch a := args[0]; {
	case is(a, "ASC"):
		q.order = 1
	case is(a, "DESC"):
		q.order = -1
	case is(a, "WITHDIST"):
		q.withDist = true
	case is(a, "WITHHASH"):
		q.withHash = true
	case is(a, "WITHCOORD"):
		q.withCoord = true
	case is(a, "ANY"):
		q.any = true
	case is(a, "COUNT") && len(args) > 1:
		v, good := parseInt(args[1])
		if !good {
			return 0, errInteger
		}
		if v <= 0 {
			return 0, bad("COUNT must be > 0")
		}
		q.count = v
		return 2, nil
	default:
		return 0, nil
	}
	return 1, nil
}

// shape reads FROM… and BY… of GEOSEARCH.
func (q *geoQuery) shape(args [][]byte) (n int, err error) {
	switch a := args[0]; {
	case is(a, "FROMMEMBER") && len(args) > 1:
		q.member, q.from = args[1], q.from+1
		return 2, nil
	case is(a, "FROMLONLAT") && len(args) > 2:
		q.from++
		q.center, err = lonLat(args[1], args[2])
		return 3, err
	case is(a, "BYRADIUS") && len(args) > 2:
		q.by++
		if q.radius, err = q.length(args[1], "radius"); err == nil {
			q.unit, err = unit(args[2])
		}
		return 3, err
	case is(a, "BYBOX") && len(args) > 3:
		q.by++
		q.box = true
		if q.width, err = q.length(args[1], "width"); err == nil {
			if q.height, err = q.length(args[2], "height"); err == nil {
				q.unit, err = unit(args[3])
			}
		}
		return 4, err
	}
	return 0, nil
}

// geoSearch implements GEOSEARCH and, with the destination before the key,
// GEOSEARCHSTORE.
func (c *call) geoSearch(at int) (op.Value, error) {
	if _, err := c.want(c.args[at], typeZset); err != nil {
		return op.Null, err
	}
	q := geoQuery{}
	if at == 1 {
		q.store, q.stores = c.args[0], true
	}
	for rest := c.args[at+1:]; len(rest) > 0; {
		n, err := q.shape(rest)
		if n == 0 && err == nil {
			n, err = q.option(rest)
		}
		if n == 0 && err == nil && q.stores && is(rest[0], "STOREDIST") {
			q.storeDist = true
			n = 1
		}
		if err != nil {
			return op.Null, err
		}
		if n == 0 {
			return op.Null, errSyntax
		}
		rest = rest[n:]
	}
	if q.from != 1 {
		return op.Null, bad("exactly one of FROMMEMBER or FROMLONLAT can be specified for %s", lower(c.verb))
	}
	if q.by != 1 {
		return op.Null, bad("exactly one of BYRADIUS and BYBOX can be specified for %s", lower(c.verb))
	}
	return c.geoRun(&q, c.args[at])
}

// geoRadius implements the GEORADIUS commands.
func (c *call) geoRadius(byMember bool) (op.Value, error) {
	if _, err := c.want(c.args[0], typeZset); err != nil {
		return op.Null, err
	}
	q := geoQuery{}
	rest := c.args[1:]
	var err error
	if byMember {
		q.member, rest = rest[0], rest[1:]
	} else {
		if q.center, err = lonLat(rest[0], rest[1]); err != nil {
			return op.Null, err
		}
		rest = rest[2:]
	}
	if q.radius, err = q.length(rest[0], "radius"); err != nil {
		return op.Null, err
	}
	if q.unit, err = unit(rest[1]); err != nil {
		return op.Null, err
	}
	for rest = rest[2:]; len(rest) > 0; {
		n, err := q.option(rest)
		if err != nil {
			return op.Null, err
		}
		if n == 0 && len(rest) > 1 && c.verb[len(c.verb)-1] != 'O' && (is(rest[0], "STORE") || is(rest[0], "STOREDIST")) {
			q.store, q.stores, q.storeDist = rest[1], true, is(rest[0], "STOREDIST")
			n = 2
		}
		if n == 0 {
			return op.Null, errSyntax
		}
		rest = rest[n:]
	}
	return c.geoRun(&q, c.args[0])
}

// hit is one place found.
type hit struct {
	item
	at   place
	dist float64
}

// geoRun executes a search.
func (c *call) geoRun(q *geoQuery, name []byte) (op.Value, error) {
	if q.any && q.count == 0 {
		return op.Null, bad("the ANY argument requires COUNT argument")
	}
	if q.stores && (q.withDist || q.withHash || q.withCoord) {
		return op.Null, bad("%s is not compatible with WITHDIST, WITHHASH and WITHCOORD options", lower(c.verb))
	}
	k, err := c.want(name, typeZset)
	if err != nil {
		return op.Null, err
	}
	if k.id == 0 && q.stores {
		return zero, c.discard(q.store)
	}
	if k.id == 0 {
		return op.Array(), nil
	}
	if q.member != nil {
		it, err := c.one(&k, q.member)
		if err != nil {
			return op.Null, err
		}
		if it.pos == 0 {
			return op.Null, bad("could not decode requested zset member")
		}
		q.center = geoDecode(it.score)
	}
	list, err := c.ranked(&k, &zspec{from: 0, to: -1})
	if err != nil {
		return op.Null, err
	}
	var hits []hit
	for _, it := range list {
		p := geoDecode(it.score)
		d := distance(q.center, p)
		if q.inside(p, d) {
			hits = append(hits, hit{it, p, d / q.unit})
		}
		if q.any && int64(len(hits)) == q.count {
			break
		}
	}
	if q.count > 0 && q.order == 0 && !q.any {
		q.order = 1
	}
	if q.order != 0 {
		sort.SliceStable(hits, func(i, j int) bool { return float64(q.order)*(hits[i].dist-hits[j].dist) < 0 })
	}
	if q.count > 0 && int64(len(hits)) > q.count {
		hits = hits[:q.count]
	}
	return c.geoAnswer(q, hits)
}

// inside reports whether a place at a distance is in the area.
func (q *geoQuery) inside(p place, d float64) bool {
	if !q.box {
		return d <= q.radius*q.unit
	}
	return earth*math.Abs(p.lat-q.center.lat)*math.Pi/180 <= q.height*q.unit/2 &&
		distance(place{q.center.lon, p.lat}, p) <= q.width*q.unit/2
}

// geoAnswer answers or stores the hits.
func (c *call) geoAnswer(q *geoQuery, hits []hit) (op.Value, error) {
	if q.stores {
		list := make([]item, len(hits))
		for i, h := range hits {
			list[i] = h.item
			if q.storeDist {
				list[i].score = h.dist
			}
		}
		return c.storeScores(q.store, list)
	}
	vs := make([]op.Value, len(hits))
	for i, h := range hits {
		m := op.Bytes(h.member)
		if !q.withDist && !q.withHash && !q.withCoord {
			vs[i] = m
			continue
		}
		row := []op.Value{m}
		if q.withDist {
			row = append(row, meters(h.dist))
		}
		if q.withHash {
			row = append(row, op.Int64(int64(h.score)))
		}
		if q.withCoord {
			row = append(row, coordinates(h.at))
		}
		vs[i] = op.Array(row...)
	}
	return op.Array(vs...), nil
}
