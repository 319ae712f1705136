package proof

// moreDesigns cross what designs leave out: what helpers in the file and in a second file forget, a loader's own generator, seeds,
// what weights_only=True refuses, checkpoints every second epoch, and programs that get several things wrong at once.
var moreDesigns = []design{
	{"mlp", "sgd", "StepLR", "torch", "helper", nil, 0, "no optimizer"},
	{"cnn", "adam", "CosineAnnealingLR", "numpy", "module", nil, 0, "no optimizer"},
	{"lstm", "adamw", "MultiStepLR", "random", "helper", nil, 0, "no scheduler"},
	{"mlp", "rmsprop", "SequentialLR", "torch", "module", nil, 0, "no scheduler"},
	{"cnn", "sgd", "ReduceLROnPlateau", "torch", "helper", []string{"best"}, 0, "no generators"},
	{"lstm", "adam", "StepLR", "numpy", "module", nil, 0, "no generators"},
	{"cnn", "adam", "", "torch", "helper", []string{"ema"}, 0, "no average"},
	{"lstm", "sgd", "", "torch", "module", []string{"ema"}, 0, "average unread"},
	{"lstm", "rmsprop", "", "torch", "module", nil, 0, "same epoch"},
	{"cnn", "sgd", "LambdaLR", "numpy", "helper", nil, 0, "next epoch"},
	{"lstm", "sgd", "", "torch", "helper", nil, 0, "epoch not used"},
	{"mlp", "adamw", "", "torch", "module", nil, 0, "generators unread"},
	{"cnn", "adam", "StepLR", "random", "helper", nil, 0, "seeded again"},
	{"cnn", "adam", "SequentialLR", "torch", "class", nil, 0, "before the step"},

	{"cnn", "adamw", "", "generator", "class", nil, 0, "no loader"},
	{"cnn", "adam", "OneCycleLR", "generator", "main", []string{"amp"}, 0, "no loader"},
	{"cnn", "rmsprop", "", "generator", "helper", nil, 0, "no loader"},
	{"mlp", "rmsprop", "", "generator", "main", nil, 0, "loader unread"},

	{"cnn", "sgd", "", "numpy", "class", []string{"best", "stop"}, 0, "no patience"},
	{"mlp", "adamw", "StepLR", "numpy", "helper", []string{"best", "stop"}, 0, "optimizer unread"},
	{"pair", "adamw", "CosineAnnealingLR", "torch", "class", nil, 0, "no head"},

	{"mlp", "sgd", "StepLR", "torch", "script", []string{"second"}, 0, "no optimizer"},
	{"cnn", "adam", "", "numpy", "main", []string{"second"}, 0, "no generators"},
	{"lstm", "sgd", "CosineAnnealingLR", "torch", "class", []string{"second", "ema"}, 0, "scheduler unread"},

	{"mlp", "sgd", "StepLR", "torch", "main", nil, 0, "before the step + same epoch"},
	{"cnn", "adam", "MultiStepLR", "numpy", "class", []string{"best", "ema"}, 0, "no optimizer + no best"},
	{"lstm", "sgd", "ReduceLROnPlateau", "random", "main", []string{"best"}, 0, "no scheduler + no best"},
	{"mlp", "adamw", "OneCycleLR", "generator", "script", nil, 0, "no optimizer + no loader"},
	{"cnn", "rmsprop", "CosineAnnealingWarmRestarts", "torch", "module", nil, 0, "scheduler unread + same epoch"},

	{"cnn", "adamw", "StepLR", "random", "class", []string{"amp", "scaler"}, 0, "no scaler"},

	{"mlp", "sgd", "", "numpy", "main", nil, 0, "raw numpy state"},
	{"cnn", "adam", "StepLR", "torch", "class", []string{"best"}, 0, "numpy metric"},
	{"lstm", "adamw", "", "torch", "script", nil, 0, "arguments saved"},
	{"mlp", "rmsprop", "LambdaLR", "random", "helper", nil, 0, "version saved"},

	{"mlp", "sgd", "", "torch", "script", nil, 0, "no seed"},
	{"cnn", "adam", "StepLR", "numpy", "main", nil, 0, "no seed"},
	{"lstm", "adamw", "", "random", "class", nil, 0, "no seed"},
	{"mlp", "rmsprop", "", "numpy", "script", nil, 0, "torch seeded only"},
	{"lstm", "adam", "", "random", "main", nil, 0, "torch seeded only"},
	{"cnn", "sgd", "", "torch", "main", nil, 0, "seeded late"},
	{"mlp", "adamw", "", "numpy", "class", nil, 0, "seeded late"},

	{"mlp", "adam", "", "", "helper", nil, 2, "optimizer unread"},
	{"mlp", "sgd", "OneCycleLR", "", "module", nil, 2, "scheduler unread"},
	{"mlp", "rmsprop", "", "", "class", nil, 4, "optimizer unread"},
	{"mlp", "adam", "ExponentialLR", "", "main", []string{"amp"}, 2, "no optimizer"},
}
