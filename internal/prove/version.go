package prove

import (
	"strconv"
	"strings"
)

// AtLeast says that a version such as "2.6.0+debian" is not below one such as "2.4".
func AtLeast(version, least string) bool {
	v, l := strings.Split(version, "."), strings.Split(least, ".")
	for i := range l {
		if l[i] == "" {
			return true
		}
		have := 0
		if i < len(v) {
			have, _ = strconv.Atoi(v[i])
		}
		if want, _ := strconv.Atoi(l[i]); have != want {
			return have > want
		}
	}
	return true
}

// FullCheckpoints is the first version of PyTorch that loads the states of all optimizers and most schedulers with weights_only=True.
const FullCheckpoints = "2.4"
