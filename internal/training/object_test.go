package training

import "testing"

// What a library hands back may be handed to it again in the next round.
func TestObjectRoundALoop(t *testing.T) {
	f := analyze(t, `import deepspeed
engine, optimizer = make()
for part in range(3):
    engine, optimizer, _, _ = deepspeed.initialize(model=engine, optimizer=optimizer)
    for x in data():
        engine.backward(engine(x))
        optimizer.step()
`)
	for _, s := range f.Runs[0].Steps {
		if s.Object.Kind != Optimizer {
			t.Errorf("%v steps, want an optimizer", s.Object.Kind)
		}
	}
}
