package torch

// companion is a range of minor releases of a package that each come with one release of torch.
type companion struct {
	// First and Last are the ends of the range, both in it; they differ in the minor number only.
	First, Last Version
	// Torch is what First comes with; each later release comes with the next of torch.
	Torch Version
}

// companions are torch's own domain libraries, ranges in order, by the tables of compatible versions that they give:
// https://github.com/pytorch/vision#installation, https://github.com/pytorch/text#installation and
// https://pytorch.org/audio/stable/installation.html#compatibility-matrix.
var companions = map[string][]companion{
	"torchvision": {{Version{0, 5}, Version{0, 14}, Version{1, 4}}, {Version{0, 15}, Version{0, 99}, Version{2, 0}}},
	"torchtext":   {{Version{0, 7}, Version{0, 14}, Version{1, 6}}, {Version{0, 15}, Version{0, 18}, Version{2, 0}}},
	"torchaudio":  {{Version{0, 7}, Version{0, 13}, Version{1, 7}}, {Version{2, 0}, Version{2, 99}, Version{2, 0}}},
}

// RequiredBy is the release of torch that a release of another package comes with, or the next release of the package where it is none
// itself; ok is false for packages that come with any torch, and for releases older or newer than is known.
func RequiredBy(name string, release Version) (v Version, ok bool) {
	for _, c := range companions[name] {
		if release.Before(c.First) {
			if c == companions[name][0] {
				return Version{}, false
			}
			return c.Torch, true
		}
		if !c.Last.Before(release) {
			return Version{c.Torch.Major, c.Torch.Minor + release.Minor - c.First.Minor}, true
		}
	}
	return Version{}, false
}
