package torch

func init() {
	add(Optimizer, "torch.optim.", "Adadelta Adafactor Adagrad Adam AdamW Adamax ASGD LBFGS Muon NAdam RAdam RMSprop Rprop SGD SparseAdam")
	add(Optimizer, "", `torch.distributed.optim.ZeroRedundancyOptimizer
		transformers.AdamW transformers.Adafactor transformers.optimization.AdamW transformers.optimization.Adafactor
		apex.optimizers.FusedAdam apex.optimizers.FusedLAMB apex.optimizers.FusedSGD apex.optimizers.FusedNovoGrad apex.optimizers.FusedAdagrad
		bitsandbytes.optim.Adam8bit bitsandbytes.optim.AdamW8bit bitsandbytes.optim.Lion8bit bitsandbytes.optim.PagedAdamW bitsandbytes.optim.PagedAdamW8bit
		bitsandbytes.optim.SGD8bit deepspeed.ops.adam.FusedAdam deepspeed.ops.adam.DeepSpeedCPUAdam lion_pytorch.Lion
		timm.optim.create_optimizer timm.optim.create_optimizer_v2 timm.optim.AdamP timm.optim.Lamb timm.optim.Lookahead timm.optim.NovoGrad timm.optim.RAdam
		torch_optimizer.RAdam torch_optimizer.Lamb torch_optimizer.Lookahead torch_optimizer.Ranger torch_optimizer.AdaBound`)
	set("torch.optim.NAdam torch.optim.RAdam", func(e *Entry) { e.Since = Version{1, 10} })
	set("torch.optim.Adafactor", func(e *Entry) { e.Since = Version{2, 5} })

	add(Scheduler, "torch.optim.lr_scheduler.", `ChainedScheduler ConstantLR CosineAnnealingLR CosineAnnealingWarmRestarts CyclicLR ExponentialLR LambdaLR
		LinearLR LRScheduler MultiStepLR MultiplicativeLR OneCycleLR PolynomialLR ReduceLROnPlateau SequentialLR StepLR _LRScheduler`)
	set("torch.optim.lr_scheduler.ConstantLR torch.optim.lr_scheduler.LinearLR torch.optim.lr_scheduler.SequentialLR torch.optim.lr_scheduler.ChainedScheduler",
		func(e *Entry) { e.Since = Version{1, 10} })
	set("torch.optim.lr_scheduler.PolynomialLR", func(e *Entry) { e.Since = Version{1, 13} })
	add(Scheduler, "", `torch.optim.swa_utils.SWALR
		transformers.get_scheduler transformers.get_linear_schedule_with_warmup transformers.get_cosine_schedule_with_warmup
		transformers.get_constant_schedule transformers.get_constant_schedule_with_warmup transformers.get_polynomial_decay_schedule_with_warmup
		transformers.get_cosine_with_hard_restarts_schedule_with_warmup transformers.get_inverse_sqrt_schedule
		transformers.optimization.get_scheduler transformers.optimization.get_linear_schedule_with_warmup transformers.optimization.get_cosine_schedule_with_warmup
		diffusers.optimization.get_scheduler
		timm.scheduler.create_scheduler timm.scheduler.create_scheduler_v2 timm.scheduler.CosineLRScheduler timm.scheduler.StepLRScheduler`)

	add(Scaler, "torch.", "cuda.amp.GradScaler amp.GradScaler cpu.amp.GradScaler")
	add(Scaler, "", "torch.distributed.fsdp.sharded_grad_scaler.ShardedGradScaler torch.npu.amp.GradScaler torch.xpu.amp.GradScaler")
	set("torch.amp.GradScaler", func(e *Entry) { e.Since = Version{2, 3} })

	add(Averaged, "", `torch.optim.swa_utils.AveragedModel timm.utils.ModelEma timm.utils.ModelEmaV2 timm.utils.ModelEmaV3 timm.utils.model_ema.ModelEma
		torch_ema.ExponentialMovingAverage diffusers.training_utils.EMAModel ema_pytorch.EMA`)

	add(Loader, "torch.utils.data.", "DataLoader")
	add(Loader, "", "torchdata.stateful_dataloader.StatefulDataLoader torch_geometric.loader.DataLoader")
	add(Sampler, "torch.utils.data.", "DistributedSampler RandomSampler SequentialSampler SubsetRandomSampler WeightedRandomSampler BatchSampler")
	add(Generator, "torch.", "Generator")

	wrapper := func(prefix, names string) {
		add(Wrapper, "", names)
		set(names, func(e *Entry) { e.Prefix = prefix })
	}
	wrapper("module.", `torch.nn.parallel.DistributedDataParallel torch.nn.DataParallel apex.parallel.DistributedDataParallel
		torch.nn.parallel.DistributedDataParallelCPU`)
	wrapper("_orig_mod.", "torch.compile")
	set("torch.compile", func(e *Entry) { e.Forwards = true })
	wrapper("", "torch.distributed.fsdp.FullyShardedDataParallel torch.distributed.fsdp.fully_sharded_data_parallel.FullyShardedDataParallel fairscale.nn.FullyShardedDataParallel")

	add(Saver, "", "torch.save")
	add(Saver, "", `torch.distributed.checkpoint.save torch.distributed.checkpoint.save_state_dict torch.distributed.checkpoint.async_save
		torch_xla.core.xla_model.save torch_xla.core.xla_model.rendezvous`)
	set("torch.distributed.checkpoint.save torch.distributed.checkpoint.save_state_dict torch.distributed.checkpoint.async_save torch_xla.core.xla_model.save",
		func(e *Entry) { e.Collective = true })
	set("torch.save torch_xla.core.xla_model.save", func(e *Entry) { e.Payload, e.Path = "obj", "f" })
	set(`torch.distributed.checkpoint.save torch.distributed.checkpoint.save_state_dict torch.distributed.checkpoint.async_save`,
		func(e *Entry) { e.Payload, e.Path = "state_dict", "checkpoint_id" })
	delete(entries, "torch_xla.core.xla_model.rendezvous")
	add(FileLoader, "", "torch.load")
	note := func(saver, payload, loader, path string) {
		add(NoteSaver, "", saver)
		set(saver, func(e *Entry) { e.Payload, e.Path = payload, path })
		add(NoteLoader, "", loader)
		set(loader, func(e *Entry) { e.Path = path })
	}
	note("json.dump", "obj", "json.load", "fp")
	note("yaml.dump yaml.safe_dump", "data", "yaml.load yaml.safe_load yaml.full_load", "stream")

	rng := func(kind Kind, generators []RNG, names string) {
		add(kind, "", names)
		set(names, func(e *Entry) { e.Generators = generators })
	}
	device := []RNG{TorchRNG, CUDARNG}
	all := []RNG{TorchRNG, CUDARNG, NumpyRNG, PythonRNG}
	rng(Seeder, device, "torch.manual_seed torch.seed torch.random.manual_seed torch.random.seed")
	rng(Seeder, []RNG{CUDARNG}, "torch.cuda.manual_seed torch.cuda.manual_seed_all torch.cuda.seed torch.cuda.seed_all torch.mps.manual_seed")
	rng(Seeder, []RNG{NumpyRNG}, "numpy.random.seed")
	rng(Seeder, []RNG{PythonRNG}, "random.seed")
	rng(Seeder, all, `lightning.pytorch.seed_everything lightning.fabric.seed_everything accelerate.utils.set_seed accelerate.set_seed transformers.set_seed
		transformers.trainer_utils.set_seed transformers.enable_full_determinism diffusers.training_utils.set_seed monai.utils.set_determinism ignite.utils.manual_seed`)
	rng(RNGGetter, []RNG{TorchRNG}, "torch.get_rng_state torch.random.get_rng_state")
	rng(RNGGetter, []RNG{CUDARNG}, "torch.cuda.get_rng_state torch.cuda.get_rng_state_all torch.cuda.random.get_rng_state torch.cuda.random.get_rng_state_all")
	rng(RNGGetter, []RNG{NumpyRNG}, "numpy.random.get_state")
	rng(RNGGetter, []RNG{PythonRNG}, "random.getstate")
	rng(RNGSetter, []RNG{TorchRNG}, "torch.set_rng_state torch.random.set_rng_state")
	rng(RNGSetter, []RNG{CUDARNG}, "torch.cuda.set_rng_state torch.cuda.set_rng_state_all torch.cuda.random.set_rng_state torch.cuda.random.set_rng_state_all")
	rng(RNGSetter, []RNG{NumpyRNG}, "numpy.random.set_state")
	rng(RNGSetter, []RNG{PythonRNG}, "random.setstate")
	draw := func(generators []RNG, prefix, names string) {
		for _, n := range fields(names) {
			rng(RNGDraw, generators, prefix+n)
		}
	}
	draw([]RNG{TorchRNG}, "torch.", "rand rand_like randn randn_like randint randint_like randperm bernoulli multinomial normal poisson utils.data.random_split nn.functional.dropout")
	draw([]RNG{NumpyRNG}, "numpy.random.", `rand randn randint random random_sample ranf sample choice bytes shuffle permutation beta binomial chisquare dirichlet exponential
		f gamma geometric gumbel hypergeometric laplace logistic lognormal logseries multinomial multivariate_normal negative_binomial noncentral_chisquare noncentral_f
		normal pareto poisson power rayleigh standard_cauchy standard_exponential standard_gamma standard_normal standard_t triangular uniform vonmises wald weibull zipf random_integers`)
	draw([]RNG{PythonRNG}, "random.", `random uniform triangular randint randrange choice choices shuffle sample getrandbits gauss normalvariate lognormvariate
		expovariate vonmisesvariate gammavariate betavariate paretovariate weibullvariate randbytes`)
	draw([]RNG{NumpyRNG}, "sklearn.", "model_selection.train_test_split utils.shuffle utils.resample") // unless random_state is given
	add(OwnRNG, "", "numpy.random.default_rng numpy.random.RandomState numpy.random.Generator numpy.random.SeedSequence random.Random random.SystemRandom")

	joint := func(does Joint, prefix, names string) {
		for _, n := range fields(names) {
			add(Collective, prefix, n)
			set(prefix+n, func(e *Entry) { e.Does = does })
		}
	}
	const exchanges = `all_reduce all_gather all_gather_object all_gather_into_tensor all_gather_coalesced broadcast broadcast_object_list reduce
		reduce_scatter reduce_scatter_tensor gather gather_object scatter scatter_object_list all_to_all all_to_all_single new_group`
	for _, module := range []string{"torch.distributed.", "deepspeed.comm."} {
		joint(Barrier, module, "barrier monitored_barrier")
		joint(Exchange, module, exchanges)
	}
	joint(Exchange, "torch.distributed.nn.", "all_reduce all_gather broadcast reduce gather scatter reduce_scatter all_to_all")
	joint(Exchange, "torch.distributed.nn.functional.", "all_reduce all_gather broadcast reduce gather scatter reduce_scatter all_to_all")
	joint(Exchange, "torch.distributed.checkpoint.", `load load_state_dict state_dict.get_state_dict state_dict.get_model_state_dict state_dict.get_optimizer_state_dict
		state_dict.set_state_dict state_dict.set_model_state_dict state_dict.set_optimizer_state_dict`)
	joint(Barrier, "", "torch_xla.core.xla_model.rendezvous detectron2.utils.comm.synchronize mmengine.dist.barrier horovod.torch.barrier")
	joint(Exchange, "horovod.torch.", "allreduce allreduce_ allgather allgather_object broadcast broadcast_ broadcast_object broadcast_parameters broadcast_optimizer_state")
	joint(Exchange, "accelerate.utils.", "gather gather_object broadcast broadcast_object_list reduce")
	joint(Exchange, "detectron2.utils.comm.", "gather all_gather reduce_dict shared_random_seed")
	joint(Exchange, "mmengine.dist.", "all_reduce all_gather all_gather_object broadcast broadcast_object_list gather gather_object reduce all_reduce_dict sync_random_seed collect_results")
	joint(Exchange, "torch_xla.core.xla_model.", "all_reduce all_gather mesh_reduce")
	mpi := func(does Joint, names string) {
		const world = "mpi4py.MPI.COMM_WORLD."
		joint(does, world, names)
		for _, n := range fields(names) {
			set(world+n, func(e *Entry) { e.Endless = true })
		}
	}
	mpi(Barrier, "barrier Barrier")
	mpi(Exchange, `bcast Bcast reduce Reduce allreduce Allreduce gather Gather Gatherv allgather Allgather Allgatherv scatter Scatter Scatterv
		alltoall Alltoall Alltoallv reduce_scatter Split`)
	joint(JointSave, "", "megatron.core.dist_checkpointing.save megatron.checkpointing.save_checkpoint megatron.training.checkpointing.save_checkpoint")
	set("torch.distributed.checkpoint.load torch.distributed.checkpoint.load_state_dict",
		func(e *Entry) { e.Payload, e.Path, e.Fills = "state_dict", "checkpoint_id", true })
	add(Rank, "", `torch.distributed.get_rank torch.distributed.get_node_local_rank horovod.torch.rank horovod.torch.local_rank torch_xla.core.xla_model.get_ordinal
		mpi4py.MPI.COMM_WORLD.Get_rank`)
	add(MainPredicate, "", `torch_xla.core.xla_model.is_master_ordinal`)
}

// Argument is a place among the arguments of a call.
type Argument struct {
	Position int
	Keyword  string
}

// handed are calls that give back what they are handed, ready for the device: for each result its argument, none where it is new.
var handed = map[string][]Argument{
	"deepspeed.initialize": {{1, "model"}, {2, "optimizer"}, {}, {5, "lr_scheduler"}},
	"apex.amp.initialize":  {{0, "models"}, {1, "optimizers"}},
}

// Handed is the argument that a result of a call stands for; ok is false where the result is new, or the call is not known.
func Handed(qualified string, result int) (a Argument, ok bool) {
	of := handed[qualified]
	if result < 0 || result >= len(of) || of[result].Keyword == "" {
		return Argument{}, false
	}
	return of[result], true
}
