package proof

import (
	"strconv"
	"strings"
)

// atLeast says that a version such as "2.6.0+debian" is not below one such as "2.4".
func atLeast(version, least string) bool {
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
