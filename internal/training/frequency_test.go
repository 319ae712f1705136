package training

import "testing"

func TestPeriod(t *testing.T) {
	for _, c := range []struct {
		test string
		want Period
	}{
		{"True", Period{1, true}},
		{"epoch % 10 == 0", Period{10, true}},
		{"(epoch + 1) % 5 == 0", Period{5, true}},
		{"not epoch % 4", Period{4, true}},
		{"rank == 0 and epoch % 10 == 9", Period{10, true}},
		{"epoch % 10 == 0 or epoch == last", Period{10, true}},
		{"rank == 0", Period{1, true}},
		{"not args.distributed or rank % 8 == 0", Period{1, true}},
		{"args.save_model", Period{1, true}},
		{"args.output_dir is not None", Period{1, true}},
		{"epoch > 0", Period{1, true}},
		{"epoch % args.period == 0", Period{1, false}},
		{"args.save_every", Period{1, false}},
		{"epoch == last", Period{1, false}},
		{"loss < lowest", Period{1, false}},
	} {
		f := analyze(t, `import torch
def main(model, loader, args, rank, last, lowest):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for epoch in range(2, 100):
        for x in loader:
            loss = model(x)
            loss.backward()
            optimizer.step()
        if `+c.test+`:
            torch.save(model.state_dict(), "m.pt")
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
