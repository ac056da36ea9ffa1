package object

import (
	"encoding/json"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/sql/catalog"
	"github.com/dot-do/dotdo-proxy/backend/sqlite"
)

// saveCatalog stores a catalog in its transaction.
func saveCatalog(c *sqlite.Conn, s *catalog.Snapshot) error {
	b, err := json.Marshal(s)
	if err != nil {
		return err
	}
	_, err = c.Run("INSERT OR REPLACE INTO _dotdo_catalog(id, def) VALUES (1, ?1)", op.Raw(op.KindText, b))
	return err
}

// loadCatalog reads the stored catalog.
func loadCatalog(c *sqlite.Conn) (*catalog.Snapshot, error) {
	row, err := c.Row("SELECT def FROM _dotdo_catalog WHERE id = 1")
	if err != nil {
		return nil, err
	}
	if row == nil {
		return catalog.New(), nil
	}
	return catalog.Decode(row[0].Raw)
}
