import torch


class Trainer(Base):
    def resume(self):
        try:
            ck = torch.load(args.resume, map_location="cpu", weights_only=True)
            self.model.load_state_dict(ck["model"], strict=False)
            self.start = ck["epoch"] + 1
        except FileNotFoundError:
            print("fresh")

    def fit(self):
        for epoch in range(self.start, args.epochs):
            for step, (x, y) in enumerate(tqdm(self.loader), 1):
                self.optimizer.step()
            state = {}
            state["model"] = self.model
            state["epoch"] = epoch
            torch.save(state, "best.pt")
            state = {"model": self.model, "epoch": epoch + 1, "best": self.best, "step": step}
            torch.save(state, "ckpt.pt")


Trainer(args).fit()
