package doc

import (
	"context"
	"time"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/doc"
)

// Pipeline runs stages over documents in memory, away from any object: the
// last step of a read that several objects answered. now is the value of
// $$NOW. Stages that read collections are refused.
func Pipeline(ctx context.Context, docs [][]byte, stages []doc.Stage, lets []doc.Let, now time.Time) ([][]byte, error) {
	for i := range stages {
		switch stages[i].Kind {
		case doc.StageLookup, doc.StageUnion, doc.StageGraph, doc.StageOut, doc.StageMerge, doc.StageGeoNear, doc.StageFeed, doc.StageCollStats, doc.StageIdxStats:
			return nil, op.Errorf(op.Unsupported, "pipeline stage %d needs a collection", stages[i].Kind)
		}
	}
	vars := letMap(lets)
	p, err := compileStages(stages, vars)
	if err != nil {
		return nil, err
	}
	r := newRun(ctx, nil, vars)
	r.fixed = now
	out, err := p.through(r, listed(docs), 0)
	if err != nil {
		return nil, err
	}
	return gather(out)
}
