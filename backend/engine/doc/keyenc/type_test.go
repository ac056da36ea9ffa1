package keyenc

import "go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

// typeOf is the element type in tests.
type typeOf = bsoncore.Type
