package torch

import "testing"

func TestModelBytes(t *testing.T) {
	for callee, want := range map[string]int64{
		"torchvision.models.resnet50":              102_228_128,
		"torchvision.models.resnet.resnet50":       102_228_128,
		"torchvision.models.detection.fasterrcnn":  0,
		"torchvision.transforms.resnet50":          0,
		"segmentation_models_pytorch.Unet":         0,
		"torchvision.models.vision_transformer.x0": 0,
	} {
		if got := ModelBytes(callee); got != want {
			t.Errorf("%s: %d, want %d", callee, got, want)
		}
	}
}
