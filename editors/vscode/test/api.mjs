// Runs the driver extension in VS Code and prints what it found.
import { existsSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import path from "node:path";
import { start } from "./host.mjs";
import { fill } from "./workspace.mjs";

/** How long all checks together may take before they count as hanging, in milliseconds. */
const patience = 300_000;

const resultName = "result.json";
const host = await start({ fill, others: ["driver"], env: { CKPT_DRIVER_RESULT: resultName } });
try {
  const file = path.join(host.folder, "..", resultName);
  for (const end = Date.now() + patience; !existsSync(file); await sleep(200)) {
    if (Date.now() > end) {
      await host.page.screenshot({ path: path.join(process.env.CKPT_FAILURES ?? host.dir, "hang.png") });
      throw new Error(`the driver did not finish; code-server says:\n${host.log().slice(-4000)}`);
    }
  }
  const { checks } = JSON.parse(readFileSync(file, "utf8"));
  for (const { name, failure, took } of checks) {
    console.log(`${failure === undefined ? "ok  " : "FAIL"} ${name} (${took} ms)${failure === undefined ? "" : `\n${failure.replaceAll(/^/gm, "       ")}`}`);
  }
  const failed = checks.filter(({ failure }) => failure !== undefined).length;
  console.log(`${checks.length - failed} of ${checks.length} checks passed`);
  process.exitCode = failed > 0 || checks.length === 0 ? 1 : 0;
} finally {
  await host.stop();
}
