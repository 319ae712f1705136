import { execFile } from "node:child_process";
import { promisify } from "node:util";
import * as vscode from "vscode";
import { ServerCommands } from "./commands";

/** What ckpt-lsp rules --format json says of a rule. */
interface Rule {
  readonly code: string;
  readonly name: string;
  readonly summary: string;
  readonly severity: string;
  readonly fix: string;
}

/** Lets the person choose a rule and shows its page. */
export async function explainRule(server: string | undefined): Promise<void> {
  if (server === undefined) {
    throw new Error("the server does not run");
  }
  const { stdout } = await promisify(execFile)(server, ["rules", "--format", "json"], { windowsHide: true });
  const items = (JSON.parse(stdout) as Rule[]).map((rule) => ({
    label: rule.code,
    description: rule.name,
    detail: `${rule.summary} (${rule.severity}, ${rule.fix === "none" ? "no fix" : `${rule.fix} fix`})`,
  }));
  const chosen = await vscode.window.showQuickPick(items, {
    title: "ckpt-lsp: Explain a Rule",
    placeHolder: "Code, name or what it is about",
    matchOnDescription: true,
    matchOnDetail: true,
  });
  if (chosen !== undefined) {
    await vscode.commands.executeCommand(ServerCommands.showDocumentation, chosen.label);
  }
}
