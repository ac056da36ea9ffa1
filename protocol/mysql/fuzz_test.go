package mysql

import (
	"bufio"
	"bytes"
	"testing"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/datum"
	"github.com/dot-do/dotdo-proxy/backend/op/rel"
)

func FuzzRead(f *testing.F) {
	f.Add([]byte{1, 0, 0, 0, 0x0e})
	f.Add([]byte{0xff, 0xff, 0xff, 0})
	f.Add([]byte{0, 0, 0, 5})
	f.Fuzz(func(_ *testing.T, b []byte) {
		w := &wire{r: bufio.NewReader(bytes.NewReader(b))}
		for {
			if _, err := w.read(1 << 16); err != nil {
				return
			}
		}
	})
}

func FuzzLogin(f *testing.F) {
	l := append([]byte{0xcf, 0xf3, 0xba, 0x18, 0, 0, 0, 1, 224}, make([]byte, 23)...)
	l = append(l, "root\x00\x03abcmain\x00caching_sha2_password\x00\x06\x02ab\x02cd"...)
	f.Add(l)
	f.Fuzz(func(_ *testing.T, b []byte) {
		_, _ = decodeLogin(b)
		_, _ = decodeChangeUser(b, serverCaps)
	})
}

func FuzzParams(f *testing.F) {
	f.Add(uint8(2), []byte{0, 1, 3, 0, 253, 0, 5, 0, 0, 0, 2, 'h', 'i'})
	f.Add(uint8(1), []byte{0, 1, 12, 0, 11, 0xe8, 7, 1, 2, 3, 4, 5, 1, 0, 0, 0})
	f.Add(uint8(1), []byte{0, 1, 11, 0, 8, 1, 1, 0, 0, 0, 2, 3, 4})
	f.Fuzz(func(_ *testing.T, n uint8, b []byte) {
		p := &prepared{stmt: &rel.Stmt{Params: int(n)}}
		list, err := decodeParams(&cursor{b: b}, p, nil)
		if err != nil {
			return
		}
		for i := range list {
			for _, t := range []op.Base{op.TInt4, op.TString, op.TNumeric, op.TTimestamp, op.TBytea} {
				list[i].as(op.Type{Base: t}, datum.Options{})
			}
			list[i].natural()
			list[i].value(datum.Options{})
		}
	})
}

func FuzzLenenc(f *testing.F) {
	f.Add([]byte{0xfc, 1, 2})
	f.Add([]byte{0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		c := &cursor{b: b}
		s := c.lenBytes()
		if !c.bad {
			if d := (&cursor{b: appendLenBytes(nil, s)}); !bytes.Equal(d.lenBytes(), s) || d.bad {
				t.Fatal("round trip")
			}
		}
	})
}

func TestLongPacketsSplit(t *testing.T) {
	t.Parallel()
	w := &wire{}
	at := w.begin()
	w.out = append(w.out, make([]byte, maxFrame+5)...)
	w.end(at)
	r := &wire{r: bufio.NewReader(bytes.NewReader(w.out))}
	b, err := r.read(1 << 26)
	if err != nil || len(b) != maxFrame+5 {
		t.Fatalf("%v %d", err, len(b))
	}
	if _, err := r.read(10); err == nil {
		t.Fatal("read past the end")
	}
}
