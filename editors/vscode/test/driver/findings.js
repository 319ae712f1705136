// Each file shows what check prints of it: code, place and severity.
const assert = require("node:assert/strict");
const { checkAll } = require("./cli.js");
const { families, open, scenarios } = require("./documents.js");
const { untilShown } = require("./wait.js");

exports.tests = () => {
  const expected = checkAll();
  const test = (name) => [
    name,
    async () => {
      const wanted = expected.get(name) ?? [];
      assert.notEqual(wanted.length, 0, "check finds nothing here, so the file tests nothing");
      await untilShown(await open(name), wanted);
    },
  ];
  return Object.fromEntries([...scenarios(), ...families()].map(test));
};
