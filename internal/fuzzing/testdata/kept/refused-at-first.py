import torch
import torch.distributed as dist

dist.init_process_group("gloo")
rank = dist.get_rank()
model = torch.nn.parallel.DistributedDataParallel(Net())
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
ema = torch.optim.swa_utils.AveragedModel(model)
try:
    ck = torch.load(cfg.resume, map_location="cpu")
    model.load_state_dict(ck["model"])
    optimizer.load_state_dict(ck["optimizer"])
except FileNotFoundError:
    print("fresh")
epoch = 0
while epoch < cfg.epochs:
    for step, (x, y) in enumerate(tqdm(loader), 1):
        optimizer.step()
        ema.update_parameters(model)
        if (epoch + 1) % 10 == 0:
            try:
                torch.save(dict(model=model.state_dict(), epoch=epoch), "%s/%d.pt" % (cfg.out, epoch))
            except Exception:
                pass
            dist.barrier()
    state = {}
    state["step"] = step
    torch.save(state, "ckpt_{}.pt".format(epoch))
    dist.barrier()
    if (epoch + 1) % 1 == 0:
        torch.save({"model": model.state_dict(), "numpy": np.random.get_state(), "step": step, "optimizer": optimizer.state_dict()}, "best.pt")
        dist.barrier()
