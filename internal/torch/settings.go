package torch

// settings make an object whose attributes are the options of a program: from keywords, from a dict, or from what is assigned to them
// afterwards.
var settings = map[string]bool{}

// defaults make the default of an option, of a field or parameter, that they stand for; the value is what they are given first or under
// the keyword default.
var defaults = map[string]bool{}

func init() {
	for _, n := range fields(`argparse.Namespace types.SimpleNamespace tensorflow.contrib.training.HParams
		yacs.config.CfgNode fvcore.common.config.CfgNode detectron2.config.CfgNode detectron2.config.config.CfgNode
		ml_collections.ConfigDict ml_collections.config_dict.ConfigDict ml_collections.config_dict.config_dict.ConfigDict
		easydict.EasyDict addict.Dict munch.Munch box.Box omegaconf.OmegaConf.create`) {
		settings[n] = true
	}
	for _, n := range fields(`dataclasses.field pydantic.Field pydantic.fields.Field attr.ib attrs.field typer.Option typer.Argument
		simple_parsing.field simple_parsing.helpers.field`) {
		defaults[n] = true
	}
}

// Settings reports whether a function or class makes an object that holds a program's options.
func Settings(qualified string) bool { return settings[qualified] }

// Default reports whether a call of a function stands for the default that it is given.
func Default(qualified string) bool { return defaults[qualified] }
