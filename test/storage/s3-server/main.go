// A real S3 server for the tests: Versity's gateway with a folder behind it, and nothing else of it, since its own
// program takes twice as long to build. Arguments: the address to listen on, and the folder in which each folder is a
// bucket. It ends when its standard input does, so that none is left behind by a test that is killed.
package main

import (
	"context"
	"io"
	"log"
	"os"

	"github.com/versity/versitygw/backend/meta"
	"github.com/versity/versitygw/backend/posix"
	"github.com/versity/versitygw/embedgw"
)

func main() {
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	backend, err := posix.New(os.Args[2], meta.XattrMeta{}, posix.PosixOpts{})
	if err != nil {
		log.Fatal(err)
	}
	err = embedgw.RunVersityGW(context.Background(), backend, &embedgw.Config{
		RootUserAccess:    os.Getenv("ROOT_ACCESS_KEY"),
		RootUserSecret:    os.Getenv("ROOT_SECRET_KEY"),
		Ports:             []string{os.Args[1]},
		MultipartMaxParts: 10_000,
		MaxConnections:    10_000,
		MaxRequests:       10_000,
		VirtualDomain:     "localhost",
		KeepAlive:         true,
		Quiet:             true,
	})
	if err != nil {
		log.Fatal(err)
	}
}
