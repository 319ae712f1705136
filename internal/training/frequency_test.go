package training

import "testing"

func TestPeriod(t *testing.T) {
	for _, c := range []struct {
		test string
		want Period
	}{
		{"True", Period{Every: 1, Rhythm: Regular}},
		{"epoch % 10 == 0", Period{Every: 10, Rhythm: Regular}},
		{"(epoch + 1) % 5 == 0", Period{Every: 5, Rhythm: Regular}},
		{"not epoch % 4", Period{Every: 4, Rhythm: Regular}},
		{"rank == 0 and epoch % 10 == 9", Period{Every: 10, Rhythm: Regular}},
		{"epoch % 10 == 0 or epoch == last", Period{Every: 10, Rhythm: Regular}},
		{"rank == 0", Period{Every: 1, Rhythm: Regular}},
		{"not args.distributed or rank % 8 == 0", Period{Every: 1, Rhythm: Regular}},
		{"args.save_model", Period{Every: 1, Rhythm: Regular}},
		{"args.output_dir is not None", Period{Every: 1, Rhythm: Regular}},
		{"epoch > 0", Period{Every: 1, Rhythm: Regular}},
		{"epoch % args.period == 0", Period{Every: 1, Rhythm: Spaced, Option: "args.period"}},
		{"epoch % every == 0", Period{Every: 4, Rhythm: Regular, Option: "every"}},
		{"epoch % opt_in == 0", Period{Every: 1, Rhythm: Off}},
		{"opt_in > 0 and epoch % opt_in == 0", Period{Every: 1, Rhythm: Off}},
		{"folder is not None", Period{Every: 1, Rhythm: Regular}},
		{"optimizer is not None", Period{Every: 1, Rhythm: Regular}},
		{"not torch.isnan(loss).any()", Period{Every: 1, Rhythm: Regular}},
		{"math.isfinite(loss)", Period{Every: 1, Rhythm: Regular}},
		{"args.save_every", Period{Every: 1, Rhythm: Unclear}},
		{"epoch == last", Period{Every: 1, Rhythm: Unclear}},
		{"loss < lowest", Period{Every: 1, Rhythm: Unclear}},
		{"loss < record", Period{Every: 1, Rhythm: Improving}},
	} {
		f := analyze(t, `import math
import torch
def main(model, loader, args, rank, last, lowest, every=4, opt_in=-1, folder=None):
    record = float("inf")
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for epoch in range(2, 100):
        for x in loader:
            loss = model(x)
            loss.backward()
            optimizer.step()
        if `+c.test+`:
            torch.save(model.state_dict(), "m.pt")
        if loss < record:
            record = loss.item()
`)
		s := f.Saves()[0]
		if got := s.Period(s.EpochLoop); got != c.want {
			t.Errorf("%s: %v, want %v", c.test, got, c.want)
		}
		if n, known := s.EpochLoop.Rounds(); n != 98 || !known {
			t.Errorf("rounds = %d, %t, want 98", n, known)
		}
	}
}
