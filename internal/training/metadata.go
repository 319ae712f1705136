package training

import (
	"regexp"

	"github.com/ckpt-lsp/ckpt-lsp/internal/pyast"
)

var (
	// recorders write a run's settings, or its versions, to where they can be looked up later.
	recorders = regexp.MustCompile(`(?i)^(json|yaml|toml|pickle|omegaconf\.OmegaConf|dill)\.\w*(dump|save)\w*$|^(wandb|mlflow|neptune|clearml|comet_ml)\.|collect_env|save_(config|args|opts?|hparams|hyperparameters|settings|params)$|(log|add)_(hparams|hyperparams|params|config)$`)
	loggers   = regexp.MustCompile(`(?i)^(p?print|info|debug|warning|log\w*|write|write_text|add_text|tprint|print_\w+)$`)
	settings  = regexp.MustCompile(`(?i)^(args|opts?|cfg|config|conf|hparams|hps|flags|params|options)$`)
	runName   = regexp.MustCompile(`(?i)wandb|run_?(id|name)|^name$|uuid|session|experiment|^(source_?)?code$|^git|commit`)
)

// Recorded reports whether the payload tells what wrote it, by a version, a date, the name of the run or any of its settings,
// or the file at hand writes the settings elsewhere, be it to a log.
func (s *SaveSite) Recorded() bool {
	for _, x := range append(s.Companions(), s) {
		for _, c := range x.Components {
			if c.Role == RoleConfig || c.Role == RoleVersion || runName.MatchString(c.Key) {
				return true
			}
			if n := c.Entry.Value.Node; n.Kind() == pyast.KindAttribute && settings.MatchString(n.Child(pyast.FieldObject).Text()) {
				return true
			}
		}
	}
	for _, r := range s.Run.File.Runs {
		for _, c := range r.Calls {
			if recorders.MatchString(c.Callee) || c.Method != "" && recorders.MatchString(c.Method) {
				return true
			}
			if last := calledName(c.Node); loggers.MatchString(last) && showsSettings(c.Node.Child(pyast.FieldArguments)) {
				return true
			}
		}
	}
	for n := range s.Node.Tree().Root().Descendants() { // for key in vars(args): ...
		if n.Kind() == pyast.KindForStatement && showsSettings(n.Child(pyast.FieldRight)) {
			return true
		}
	}
	return false
}

// showsSettings reports whether an expression holds all the settings of the run, rather than one of them.
func showsSettings(n pyast.Node) bool {
	for d := range n.Descendants() {
		if d.Kind() != pyast.KindIdentifier || d.Field() == pyast.FieldName || !settings.MatchString(d.Text()) {
			continue
		}
		p := d.Parent()
		if p.Kind() != pyast.KindAttribute && p.Kind() != pyast.KindSubscript {
			return true
		}
		if a := p.Child(pyast.FieldAttribute); a.TextIs("__dict__") || a.TextIs("items") || a.TextIs("_get_kwargs") || a.TextIs("to_dict") {
			return true
		}
	}
	return false
}
