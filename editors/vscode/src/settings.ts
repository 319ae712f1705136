import * as vscode from "vscode";

/** The section of the settings, and the name that the server gives itself. */
export const section = "ckpt-lsp";

/** The settings that the extension itself reads; the server asks for its own. */
export function serverPath(): string {
  return vscode.workspace.getConfiguration(section).get("path", "").trim();
}

export function logLevel(): string {
  return vscode.workspace.getConfiguration(section).get("logLevel", "warn");
}

export function traceLevel(): string {
  return vscode.workspace.getConfiguration(section).get("trace.server", "off");
}

/** The server's own settings, for a start in which it cannot ask. */
export function serverSettings(): object {
  return vscode.workspace.getConfiguration().get<object>(section, {});
}

/** Whether a change is of a setting that only a new process takes over. */
export function needsRestart(change: vscode.ConfigurationChangeEvent): boolean {
  return [`${section}.path`, `${section}.logLevel`].some((name) => change.affectsConfiguration(name));
}
