package funcs

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/datum"
)

// BadLabel is the error for text that is no label of an enum.
func BadLabel(name, label string) error {
	e := op.Errorf(op.InvalidArgument, "invalid input value for enum %s: %q", name, label)
	e.Object = datum.ObjectText
	return e
}

// enumArray checks the elements of an enum array: the array, the type's name
// and its labels.
func enumArray(a []op.Value) (op.Value, error) {
	if a[0].IsNull() {
		return op.Null, nil
	}
	var items []*string
	if err := json.Unmarshal([]byte(a[0].Str()), &items); err != nil {
		return op.Null, op.Errorf(op.Unsupported, "arrays of several dimensions of an enum are not supported")
	}
	labels := strings.Split(a[2].Str(), "\x1f")
	for _, i := range items {
		if i != nil && !slices.Contains(labels, *i) {
			return op.Null, BadLabel(a[1].Str(), *i)
		}
	}
	return a[0], nil
}
