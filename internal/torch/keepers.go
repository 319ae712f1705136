package torch

import "slices"

// Keeper is a class of a library whose objects save and restore what is registered with them.
type Keeper struct {
	// Made are the classes, or functions, that make such objects.
	Made []string
	// Given is where the constructor is handed a dict of what it saves, Objects are its arguments that are such objects themselves, and
	// Others says that so are all keywords beyond those that Keywords names.
	Given    Argument
	Objects  []Argument
	Others   bool
	Keywords []string
	// Register are the methods that are handed an object, as their second argument behind its name, or a dict of objects; Save those that
	// write and Restore those that read. With none of Save, the object is called by a framework, as a handler. Own are those of them that no
	// other class has: they tell such an object.
	Register, Save, Restore, Own []string
	// Bases are the classes of the library that restore by it before they train.
	Bases []string
	// Writer is the decorator of the method by which an object that is registered writes its state.
	Writer string
}

var keepers = []Keeper{
	{
		Made: fields("speechbrain.utils.checkpoints.Checkpointer"), Given: Argument{1, "recoverables"},
		Register: fields("add_recoverable add_recoverables"), Save: fields("save_and_keep_only save_checkpoint"), Restore: fields("recover_if_possible load_checkpoint"),
		Own:   fields("add_recoverable add_recoverables save_and_keep_only recover_if_possible"),
		Bases: fields("speechbrain.Brain speechbrain.core.Brain"), Writer: "mark_as_saver",
	},
	{
		Made:  fields("ignite.handlers.Checkpoint ignite.handlers.checkpoint.Checkpoint"),
		Given: Argument{0, "to_save"}, Restore: fields("load_objects"),
	},
	{
		Made:  fields("monai.handlers.CheckpointSaver monai.handlers.checkpoint_saver.CheckpointSaver"),
		Given: Argument{1, "save_dict"},
	},
	{
		Made: fields(`fvcore.common.checkpoint.Checkpointer detectron2.checkpoint.DetectionCheckpointer
			detectron2.checkpoint.detection_checkpoint.DetectionCheckpointer`),
		Objects: []Argument{{0, "model"}}, Others: true, Keywords: fields("save_dir save_to_disk"),
		Register: fields("add_checkpointable"), Save: fields("save"), Restore: fields("resume_or_load load"), Own: fields("add_checkpointable"),
	},
}

// KeeperMade is the keeper that a call of a qualified name makes, nil for others.
func KeeperMade(qualified string) *Keeper {
	for i := range keepers {
		if slices.Contains(keepers[i].Made, qualified) {
			return &keepers[i]
		}
	}
	return nil
}

// MarksWriter reports whether a decorator, by its own name, marks the method by which an object writes its state.
func MarksWriter(decorator string) bool {
	return slices.ContainsFunc(keepers, func(k Keeper) bool { return k.Writer != "" && k.Writer == decorator })
}

// KeeperOwning is the keeper that alone has a method of the name, nil where none has.
func KeeperOwning(method string) *Keeper {
	for i := range keepers {
		if slices.Contains(keepers[i].Own, method) {
			return &keepers[i]
		}
	}
	return nil
}

// keeperNames are the names of the classes, and of the methods that tell them.
var keeperNames = func() map[string]bool {
	out := map[string]bool{}
	for _, k := range keepers {
		for _, n := range slices.Concat(k.Made, k.Own) {
			out[short(n)] = true
		}
	}
	return out
}()

// KeeperName reports whether something of the name may make a keeper or register with one.
func KeeperName(last string) bool { return keeperNames[last] }
