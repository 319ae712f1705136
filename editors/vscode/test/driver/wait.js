// Waits for VS Code to show what it should.
const assert = require("node:assert/strict");
const { setTimeout: sleep } = require("node:timers/promises");
const { shown } = require("./cli.js");

/** How long VS Code may take to show something before it counts as wrong, in milliseconds. */
const patience = 40_000;

/** Waits until get gives what is wanted, and fails with the difference when it never does. */
async function until(get, wanted) {
  for (const end = Date.now() + patience; ; await sleep(50)) {
    const got = await get();
    try {
      assert.deepEqual(got, wanted);
      return;
    } catch (error) {
      if (Date.now() > end) {
        throw error;
      }
    }
  }
}

exports.until = until;

/** Waits until VS Code shows the findings, and sees that it stays with them. */
exports.untilShown = async (document, wanted) => {
  await until(() => shown(document), wanted);
  await sleep(500);
  assert.deepEqual(shown(document), wanted, "the findings did not stay");
};
