package torch

import "strings"

// Refusal is what weights_only=True refuses, as messages call it, and the form in which it would load, "" where there is no general one.
type Refusal struct{ What, As string }

// OmegaConf is how messages call the settings that OmegaConf makes and Hydra hands to a program.
const OmegaConf = "OmegaConf objects"

// Refused says what a function makes that weights_only=True refuses (torch 2.6 and 2.14, run), by the name that it is called by or that a
// pickle has for it.
func Refused(name string) Refusal { return refusals[name] }

var refusals = map[string]Refusal{
	"pathlib.Path": {"Path objects", "str"}, "pathlib.PurePath": {"Path objects", "str"}, "pathlib.Path.cwd": {"Path objects", "str"},
	"datetime.datetime.now": {"datetime objects", "str"}, "datetime.datetime.today": {"datetime objects", "str"},
	"datetime.datetime.utcnow": {"datetime objects", "str"}, "datetime.datetime": {"datetime objects", "str"},
	"datetime.date.today": {"datetime objects", "str"}, "datetime.timedelta": {"timedelta objects", "str"},
	"collections.defaultdict": {"defaultdict objects", "dict"}, "collections.deque": {"deque objects", "list"},
	"numpy.random.default_rng": {"numpy Generator objects", ""}, "numpy.random.RandomState": {"numpy RandomState objects", ""},
	"argparse.Namespace": {"argparse.Namespace objects", "vars"}, "types.SimpleNamespace": {"SimpleNamespace objects", "vars"},
	"packaging.version.parse": {"Version objects", "str"}, "packaging.version.Version": {"Version objects", "str"},
	"omegaconf.OmegaConf.create": {OmegaConf, ""}, "omegaconf.OmegaConf.load": {OmegaConf, ""}, "omegaconf.OmegaConf.merge": {OmegaConf, ""},
	"omegaconf.OmegaConf.structured": {OmegaConf, ""}, "omegaconf.OmegaConf.from_cli": {OmegaConf, ""}, "omegaconf.DictConfig": {OmegaConf, ""},
	"easydict.EasyDict": {"EasyDict objects", ""}, "yacs.config.CfgNode": {"CfgNode objects", ""}, "addict.Dict": {"addict.Dict objects", ""},
	"munch.Munch": {"Munch objects", ""}, "munch.munchify": {"Munch objects", ""}, "ml_collections.ConfigDict": {"ConfigDict objects", ""},
	"box.Box": {"Box objects", ""}, "decimal.Decimal": {"Decimal objects", "float"}, "fractions.Fraction": {"Fraction objects", "float"},
	"uuid.uuid4": {"UUID objects", "str"}, "random.Random": {"random.Random objects", ""}, "builtins.frozenset": {"frozensets", "list"},

	// as pickles name what makes them
	"pathlib.PosixPath": {"Path objects", "str"}, "pathlib.WindowsPath": {"Path objects", "str"}, "pathlib._local.PosixPath": {"Path objects", "str"}, "pathlib._local.WindowsPath": {"Path objects", "str"},
	"pathlib.PurePosixPath": {"Path objects", "str"}, "datetime.date": {"date objects", "str"}, "uuid.UUID": {"UUID objects", "str"},
	"numpy.core.multiarray.scalar": {"numpy scalars", "float"}, "numpy._core.multiarray.scalar": {"numpy scalars", "float"},
	"numpy.core.multiarray._reconstruct": {"numpy arrays", "tolist"}, "numpy._core.multiarray._reconstruct": {"numpy arrays", "tolist"},
	"numpy._core.numeric._frombuffer": {"numpy arrays", "tolist"}, "numpy.core.numeric._frombuffer": {"numpy arrays", "tolist"},
	"torch.torch_version.TorchVersion": {"TorchVersion objects", "str"}, "omegaconf.dictconfig.DictConfig": {OmegaConf, ""}, "omegaconf.listconfig.ListConfig": {OmegaConf, ""},
}

func init() {
	for _, n := range strings.Fields(`distributed.tensor.DTensor distributed.tensor._dtensor_spec.DTensorSpec distributed.tensor._dtensor_spec.TensorMeta distributed.device_mesh.DeviceMesh
		distributed.tensor.placement_types.Shard distributed.tensor.placement_types.Replicate distributed.tensor.placement_types.Partial`) {
		refusals["torch."+n] = Refusal{"DTensors unless torch.distributed.tensor is imported first (torch 2.6 and newer)", ""}
	}
}

// WeightsOnly is the release that brought weights_only.
var WeightsOnly = Version{1, 13}

// allowed are the globals that weights_only=True imports, with the first release in which it does: read in the sources of 1.13, 2.0 to 2.7
// and 2.9 (torch/_weights_only_unpickler.py).
var allowed = func() map[string]Version {
	out := map[string]Version{}
	add := func(since Version, prefix, names string) {
		for _, n := range strings.Fields(names) {
			out[prefix+n] = since
		}
	}
	const storages = "Double Float Half BFloat16 ComplexDouble ComplexFloat Long Int Short Char Byte Bool QInt8 QUInt8 QInt32 QUInt4x2 QUInt2x4"
	for _, n := range strings.Fields(storages) {
		add(WeightsOnly, "torch.", n+"Storage")
	}
	for _, n := range strings.Fields("Double Float Half BFloat16 Long Int Short Char Byte Bool") {
		for _, module := range []string{"torch.", "torch.cuda.", "torch.sparse.", "torch.cuda.sparse."} {
			add(WeightsOnly, module, n+"Tensor")
		}
		add(WeightsOnly, "torch.cuda.", n+"Storage")
	}
	add(WeightsOnly, "", `collections.OrderedDict torch.nn.parameter.Parameter torch.serialization._get_layout torch.Size torch.Tensor
		torch.storage.UntypedStorage torch.storage.TypedStorage`)
	add(WeightsOnly, "torch._utils.", "_rebuild_parameter _rebuild_tensor _rebuild_tensor_v2 _rebuild_sparse_tensor _rebuild_meta_tensor_no_storage _rebuild_sparse_csr_tensor")
	add(WeightsOnly, "torch.", "complex32 complex64 complex128 float16 float32 float64 int8 int16 int32 int64")
	add(Version{2, 0}, "", "torch._tensor._rebuild_from_type_v2")
	add(Version{2, 2}, "torch._utils.", "_rebuild_tensor_v3 _rebuild_nested_tensor")
	add(Version{2, 2}, "torch.", "float8_e5m2 float8_e4m3fn")
	add(Version{2, 3}, "torch.", "float8_e5m2fnuz float8_e4m3fnuz")
	add(Version{2, 4}, "", "collections.Counter torch.device")
	add(Version{2, 4}, "torch._utils.", "_rebuild_parameter_with_state _rebuild_qtensor _rebuild_wrapper_subclass")
	add(Version{2, 4}, "torch.", `uint8 bool bfloat16 qint8 quint8 qint32 quint4x2 quint2x4 bits8 bits16 bits1x8 bits2x4 bits4x2 uint16 uint32 uint64
		per_tensor_affine per_tensor_symmetric per_channel_affine per_channel_symmetric per_channel_affine_float_qparams`)
	add(Version{2, 5}, "", "_codecs.encode builtins.bytearray torch._utils._rebuild_device_tensor_from_numpy")
	add(Version{2, 6}, "", "builtins.set builtins.complex torch._utils._rebuild_device_tensor_from_cpu_tensor")
	add(Version{2, 7}, "torch.", "float8_e8m0fnu uint1 uint2 uint3 uint4 uint5 uint6 uint7 int1 int2 int3 int4 int5 int6 int7")
	add(Version{2, 9}, "torch.", "float4_e2m1fn_x2")
	return out
}()

// Allowed is the first release in which weights_only=True imports a global; ok is false where none does by itself.
func Allowed(global string) (since Version, ok bool) {
	since, ok = allowed[global]
	return since, ok
}

// AllowedNew is the first release in which it makes an object of a class that it imports without calling it: it made parameters alone before.
func AllowedNew(class string) Version {
	if class == "torch.nn.parameter.Parameter" {
		return WeightsOnly
	}
	return Version{2, 4}
}

// AllowedState is the first release in which it sets the state of an object of a class that it imports.
func AllowedState(class string) Version {
	switch class {
	case "torch.nn.parameter.Parameter", "collections.OrderedDict", "torch.Tensor":
		return WeightsOnly
	}
	return Version{2, 4}
}

// AllowedOpcode is the first release in which it knows an opcode of pickles beside those that it knew from its beginning; ok is false where none does.
func AllowedOpcode(name string) (since Version, ok bool) { return Version{2, 0}, name == "BINFLOAT" }
