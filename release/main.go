// Command release makes what a release carries: archives, wheels, npm packages, extensions of VS Code, a Homebrew formula and what a
// container is built from, each with the binary of its platform, and the list of components and checksums of all. It reads back
// what it wrote and refuses what is not as it must be. release.sh runs it for a tag; docs/releasing.md says how.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

// run makes the packages, or with -page, once they have been tried, their checksums and the page that tells of them.
func run(args []string) error {
	flags := flag.NewFlagSet("release", flag.ContinueOnError)
	tag := flags.String("tag", "", "the version, as v1.2.3 or v1.2.3-rc.1")
	out := flags.String("out", "dist", "the folder to write into")
	only := flags.String("targets", strings.Join(names(targets), ","), "the platforms")
	zig := flags.String("zig", "python3 -m ziglang", "the command that runs zig")
	date := flags.Int64("date", 315619200, "the time stamp of all files, in seconds since 1970")
	skipExtension := flags.Bool("skip-extension", false, "leave out the extension of VS Code, which needs Node 20")
	page := flags.Bool("page", false, "write the checksums and the page of a release that lies in the folder")
	if err := flags.Parse(args); err != nil {
		return err
	}
	v, err := parseVersion(*tag)
	if err != nil {
		return err
	}
	dir, err := filepath.Abs(*out)
	if err != nil {
		return err
	}
	r := &release{version: v, out: dir, zig: *zig, date: time.Unix(*date, 0).UTC()}
	for name := range strings.SplitSeq(*only, ",") {
		t, err := find(name)
		if err != nil {
			return err
		}
		r.targets = append(r.targets, t)
	}
	if *page {
		return r.page()
	}
	return r.build(!*skipExtension)
}

// release is one release in the making.
type release struct {
	version version
	out     string // absolute
	zig     string
	date    time.Time
	targets []target
}

// built is the binary of a platform, with what is packed beside it.
type built struct {
	target
	path   string // of the binary
	binary []byte
	notice []byte // the licences of what is in it
}

// build makes and inspects all packages.
func (r *release) build(extension bool) error {
	if err := os.MkdirAll(r.out, 0o755); err != nil {
		return err
	}
	beside, err := r.readTexts()
	if err != nil {
		return err
	}
	var binaries []built
	for _, t := range r.targets {
		start := time.Now()
		b, err := r.compile(t)
		if err != nil {
			return fmt.Errorf("%s: %w", t.name, err)
		}
		fmt.Printf("%s: %d bytes, %.0f s\n", t.name, len(b.binary), time.Since(start).Seconds())
		for _, pack := range []func(built, texts) error{r.archive, r.wheel, r.npmPlatform, r.container} {
			if err := pack(b, beside); err != nil {
				return fmt.Errorf("%s: %w", t.name, err)
			}
		}
		if extension {
			if err := r.extensions(b); err != nil {
				return fmt.Errorf("%s: %w", t.name, err)
			}
		}
		binaries = append(binaries, b)
	}
	if extension {
		if err := r.extensionComponents(); err != nil {
			return err
		}
	}
	if err := r.npmMain(beside); err != nil {
		return err
	}
	if err := r.formula(); err != nil {
		return err
	}
	return r.inspect(binaries, beside, extension)
}

// texts are the files that packages carry beside the binary.
type texts struct{ license, changelog, readme []byte }

func (r *release) readTexts() (t texts, err error) {
	for name, into := range map[string]*[]byte{"LICENSE": &t.license, "CHANGELOG.md": &t.changelog, "README.md": &t.readme} {
		if *into, err = os.ReadFile(name); err != nil {
			return t, err
		}
	}
	t.readme = r.version.absolute(t.readme)
	return t, nil
}
