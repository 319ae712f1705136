package pysem

import "testing"

func TestRegistries(t *testing.T) {
	const head = "\nBOOK = {}\ndef entry(name):\n  def put(cls):\n    BOOK[name] = cls\n    return cls\n  return put\n@entry('a')\nclass A:\n  def __init__(self, n): self.n = n\n@entry('b')\nclass B: pass\n"
	testLook(t, []lookCase{
		{"filled by a decorator", head + "LOOK(BOOK['a'])\nLOOK(BOOK[k])\nLOOK(BOOK.get('b'))", []string{"class A", "class A | class B", "class B"}},
		{"made by a helper", head + "def make(name, **kw): return BOOK[name](**kw)\nLOOK(make('a', n=3).n)", []string{"3"}},
		{"the class's own name", "\nR = {}\ndef register(cls):\n  R[cls.__name__] = cls\n  return cls\n@register\nclass A: pass\nLOOK(R['A'])", []string{"class A"}},
		{"of an object", "\nclass Registry:\n  def __init__(self): self.all = {}\n  def register(self, name):\n    def put(cls):\n      self.all[name] = cls\n      return cls\n    return put\n  def get(self, name): return self.all[name]\n" +
			"NETS = Registry()\n@NETS.register('a')\nclass A: pass\nLOOK(NETS.get('a'))", []string{"class A"}},
	})
}
