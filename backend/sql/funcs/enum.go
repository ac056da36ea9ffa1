package funcs

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/datum"
)

// CheckLabels tells whether a text, or every element of an array, is a label
// of an enum.
func CheckLabels(v op.Value, array bool, name string, labels []string) error {
	text := v.Str()
	items := []*string{&text}
	if array {
		if err := json.Unmarshal([]byte(text), &items); err != nil {
			return op.Errorf(op.Unsupported, "arrays of several dimensions of an enum are not supported")
		}
	}
	for _, i := range items {
		if i != nil && !slices.Contains(labels, *i) {
			e := op.Errorf(op.InvalidArgument, "invalid input value for enum %s: %q", name, *i)
			e.Object = datum.ObjectText
			return e
		}
	}
	return nil
}

// badEnum fails for a text that is no label: the type's name and the text.
func badEnum(a []op.Value) (op.Value, error) {
	return op.Null, CheckLabels(a[1], false, a[0].Str(), nil)
}

// enumArray checks the elements of an enum array: the array, the type's name
// and its labels.
func enumArray(a []op.Value) (op.Value, error) {
	if a[0].IsNull() {
		return op.Null, nil
	}
	return a[0], CheckLabels(a[0], true, a[1].Str(), strings.Split(a[2].Str(), "\x1f"))
}
