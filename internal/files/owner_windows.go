package files

import (
	"io/fs"
	"os"
)

// keepOwner leaves a new file to what its directory says: Windows gives owner and rights from there.
func keepOwner(*os.File, fs.FileInfo) []string { return nil }

// names is 1: what is known of a file here does not say.
func names(fs.FileInfo) int { return 1 }
