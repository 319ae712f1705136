# Trap: two optimizers, both saved under keys of their own.
import os

import torch
import torch.nn as nn

netG, netD = nn.Linear(8, 4), nn.Linear(4, 1)
optimizer_g = torch.optim.Adam(netG.parameters(), betas=(0.5, 0.999))
optimizer_d = torch.optim.Adam(netD.parameters(), betas=(0.5, 0.999))
checkpoint = torch.load("gan.pt", map_location="cpu", weights_only=True)
netG.load_state_dict(checkpoint["G"])
netD.load_state_dict(checkpoint["D"])
optimizer_g.load_state_dict(checkpoint["opt_g"])
optimizer_d.load_state_dict(checkpoint["opt_d"])
for epoch in range(checkpoint["epoch"] + 1, 10):
    for _ in range(5):
        optimizer_d.zero_grad()
        netD(netG(torch.randn(2, 8)).detach()).mean().backward()
        optimizer_d.step()
        optimizer_g.zero_grad()
        netD(netG(torch.randn(2, 8))).mean().neg().backward()
        optimizer_g.step()
    torch.save({
        "epoch": epoch,
        "G": netG.state_dict(),
        "D": netD.state_dict(),
        "opt_g": optimizer_g.state_dict(),
        "opt_d": optimizer_d.state_dict(),
    }, "gan.pt.tmp")
    os.replace("gan.pt.tmp", "gan.pt")
