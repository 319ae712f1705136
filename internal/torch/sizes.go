package torch

import "strings"

// modelSizes is how many numbers the models of torchvision hold, as the library states with their weights.
var modelSizes = map[string]int64{
	"resnet18": 11_689_512, "resnet34": 21_797_672, "resnet50": 25_557_032, "resnet101": 44_549_160, "resnet152": 60_192_808,
	"vgg16": 138_357_544, "densenet121": 7_978_856, "vit_b_16": 86_567_656,
}

// ModelBytes is about how much the state dict of a model takes in float32, by the qualified name of what makes it; 0 where that is not
// known. Another number of classes changes it a little.
func ModelBytes(callee string) int64 {
	name, ok := strings.CutPrefix(callee, "torchvision.models.")
	if !ok {
		return 0
	}
	return 4 * modelSizes[name[strings.LastIndexByte(name, '.')+1:]]
}
