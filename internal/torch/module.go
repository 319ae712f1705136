package torch

import "strings"

// moduleMembers are the attributes of torch.nn.Module, and those that DataParallel and DistributedDataParallel, of torch and of apex, add.
var moduleMembers = map[string]bool{}

func init() {
	for _, name := range strings.Fields(`
		T_destination call_super_init dump_patches training
		add_module apply bfloat16 buffers children compile cpu cuda double eval extra_repr float forward get_buffer get_extra_state get_parameter
		get_submodule half ipu load_state_dict modules mtia named_buffers named_children named_modules named_parameters parameters
		register_backward_hook register_buffer register_forward_hook register_forward_pre_hook register_full_backward_hook
		register_full_backward_pre_hook register_load_state_dict_post_hook register_load_state_dict_pre_hook register_module register_parameter
		register_state_dict_post_hook register_state_dict_pre_hook requires_grad_ set_extra_state set_submodule share_memory state_dict to to_empty
		train type xpu zero_grad
		module dim device device_ids device_type output_device src_device_obj gather parallel_apply replicate scatter
		broadcast_buffers bucket_bytes_cap delay_all_reduce_named_params find_unused_parameters gradient_as_bucket_view is_multi_device_module
		join join_hook join_device join_process_group logger mixed_precision no_sync parameters_to_ignore process_group reducer
		register_comm_hook require_backward_grad_sync require_forward_param_sync static_graph will_sync_module_buffers
		allreduce_bucket allreduce_fallback allreduce_maybe_retain allreduce_params comm_ready_buckets disable_allreduce enable_allreduce
		message_size needs_reduction retain_allreduce_buffers`) {
		moduleMembers[name] = true
	}
}

// ModuleMember reports whether every model, or a wrapper that splits its work over GPUs, has an attribute of a name. Others are of a
// class of model, and such a wrapper does not hand them on.
func ModuleMember(name string) bool { return moduleMembers[name] || strings.HasPrefix(name, "_") }
