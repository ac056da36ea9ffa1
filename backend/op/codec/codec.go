// Package codec serialises operations, reply frames and errors as CBOR, for
// operations that run on another node. Local calls never pass through it.
//
// A struct is a map from field number to value; a field's number is its place
// in the declaration, fields that are zero are left out, so a field may be
// added at the end. A Value is a list, a body and a frame a pair of kind number
// and struct. testdata/kinds.golden pins all numbers. The encoding is
// deterministic: equal operations give equal bytes.
package codec

import (
	"fmt"
	"reflect"

	"github.com/fxamacker/cbor/v2"

	"github.com/dot-do/dotdo-proxy/backend/op"
)

// Limits of what Decode accepts, beyond the message's own length.
const (
	maxNesting  = 1024
	maxElements = 1 << 24
)

// wire is the pair of CBOR modes of this package.
type wire struct {
	enc cbor.EncMode
	dec cbor.DecMode
}

// modes holds the CBOR options. They are constant, so they cannot be refused.
var modes = newModes()

// newModes builds modes.
func newModes() wire {
	enc, err := cbor.EncOptions{Sort: cbor.SortCoreDeterministic, ShortestFloat: cbor.ShortestFloatNone,
		NaNConvert: cbor.NaNConvertNone, InfConvert: cbor.InfConvertNone, IndefLength: cbor.IndefLengthForbidden, TagsMd: cbor.TagsForbidden}.EncMode()
	if err != nil {
		panic(err)
	}
	dec, err := cbor.DecOptions{DupMapKey: cbor.DupMapKeyEnforcedAPF, MaxNestedLevels: maxNesting, MaxArrayElements: maxElements,
		MaxMapPairs: maxElements, IndefLength: cbor.IndefLengthForbidden, TagsMd: cbor.TagsForbidden, UTF8: cbor.UTF8DecodeInvalid}.DecMode()
	if err != nil {
		panic(err)
	}
	return wire{enc, dec}
}

// EncodeOp serialises an operation.
func EncodeOp(o *op.Op) ([]byte, error) { return encode(reflect.ValueOf(o).Elem()) }

// DecodeOp is the inverse of EncodeOp. The result does not share data.
func DecodeOp(data []byte) (*op.Op, error) {
	o := &op.Op{}
	if err := decode(data, reflect.ValueOf(o).Elem()); err != nil {
		return nil, fmt.Errorf("decode operation: %w", err)
	}
	return o, nil
}

// EncodeFrame serialises a reply frame.
func EncodeFrame(f op.Frame) ([]byte, error) { return encode(reflect.ValueOf(&f).Elem()) }

// DecodeFrame is the inverse of EncodeFrame.
func DecodeFrame(data []byte) (op.Frame, error) {
	var f op.Frame
	if err := decode(data, reflect.ValueOf(&f).Elem()); err != nil {
		return nil, fmt.Errorf("decode frame: %w", err)
	}
	return f, nil
}

// EncodeValue serialises one value.
func EncodeValue(v op.Value) ([]byte, error) { return encode(reflect.ValueOf(v)) }

// DecodeValue is the inverse of EncodeValue.
func DecodeValue(data []byte) (op.Value, error) {
	var v op.Value
	if err := decode(data, reflect.ValueOf(&v).Elem()); err != nil {
		return op.Null, fmt.Errorf("decode value: %w", err)
	}
	return v, nil
}

// EncodeChange serialises a committed change.
func EncodeChange(c *op.Change) ([]byte, error) { return encode(reflect.ValueOf(c).Elem()) }

// DecodeChange is the inverse of EncodeChange.
func DecodeChange(data []byte) (*op.Change, error) {
	c := &op.Change{}
	if err := decode(data, reflect.ValueOf(c).Elem()); err != nil {
		return nil, fmt.Errorf("decode change: %w", err)
	}
	return c, nil
}

// EncodeError serialises a failure without its cause, which is for the log of
// the node where it happened.
func EncodeError(e *op.Error) ([]byte, error) { return encode(reflect.ValueOf(e).Elem()) }

// DecodeError is the inverse of EncodeError.
func DecodeError(data []byte) (*op.Error, error) {
	e := &op.Error{}
	if err := decode(data, reflect.ValueOf(e).Elem()); err != nil {
		return nil, fmt.Errorf("decode error: %w", err)
	}
	return e, nil
}

// encode turns v into a tree of plain values and that into bytes.
func encode(v reflect.Value) ([]byte, error) {
	tree, err := toTree(v)
	if err != nil {
		return nil, err
	}
	return modes.enc.Marshal(tree)
}

// decode is the inverse of encode.
func decode(data []byte, into reflect.Value) error {
	var tree any
	if err := modes.dec.Unmarshal(data, &tree); err != nil {
		return err
	}
	return fromTree(tree, into)
}
