// Command dotdo-proxy is the daemon: it reads flags, environment and config
// file, builds the executor stack, and serves every listener until it is told
// to stop.
package main

import (
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	_ "github.com/dot-do/dotdo-proxy/protocol/all"
)

// version is the release; the build sets it with -ldflags.
var version = "0.1.0-dev"

func main() {
	started := time.Now()
	root := &cobra.Command{
		Use:           "dotdo-proxy",
		Short:         "One daemon that speaks the native protocols of many databases",
		Version:       version,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SetVersionTemplate("dotdo-proxy {{.Version}}\n")
	root.AddCommand(serveCommand(started))
	if err := root.Execute(); err != nil {
		fmt.Fprintln(os.Stderr, "dotdo-proxy:", err)
		os.Exit(1)
	}
}
