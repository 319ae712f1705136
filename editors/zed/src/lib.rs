//! ckpt-lsp in Zed: where the server is, and which settings it gets.

use zed_extension_api::{
    self as zed, EnvVars, LanguageServerId, Result, Worktree,
    serde_json::{Value, json},
    settings::{CommandSettings, LspSettings},
};

/// The program, the language server in Zed's settings, and the section of the server's configuration have one name.
const NAME: &str = "ckpt-lsp";

const NOT_FOUND: &str = r#"ckpt-lsp is not on the PATH of this project. Put the program there (`ckpt-lsp version` in a terminal says whether it is), or say in Zed's settings where it is: "lsp": {"ckpt-lsp": {"binary": {"path": "/path/to/ckpt-lsp", "arguments": ["server"]}}}. Then run "editor: restart language server"."#;

struct CkptLsp;

impl zed::Extension for CkptLsp {
    fn new() -> Self {
        CkptLsp
    }

    fn language_server_command(
        &mut self,
        id: &LanguageServerId,
        worktree: &Worktree,
    ) -> Result<zed::Command> {
        let settings = LspSettings::for_worktree(id.as_ref(), worktree)?;
        command(
            settings.binary,
            || worktree.which(NAME),
            worktree.shell_env(),
        )
    }

    fn language_server_initialization_options(
        &mut self,
        id: &LanguageServerId,
        worktree: &Worktree,
    ) -> Result<Option<Value>> {
        let settings = LspSettings::for_worktree(id.as_ref(), worktree)?;
        Ok(settings.initialization_options)
    }

    fn language_server_workspace_configuration(
        &mut self,
        id: &LanguageServerId,
        worktree: &Worktree,
    ) -> Result<Option<Value>> {
        let settings = LspSettings::for_worktree(id.as_ref(), worktree)?;
        Ok(Some(configuration(settings.settings)))
    }
}

/// The command line of the server: the binary that the settings name, else the one on the PATH.
fn command(
    binary: Option<CommandSettings>,
    which: impl FnOnce() -> Option<String>,
    mut env: EnvVars,
) -> Result<zed::Command> {
    let (path, arguments, more) = match binary {
        Some(b) => (b.path, b.arguments, b.env),
        None => (None, None, None),
    };
    env.extend(more.unwrap_or_default());
    Ok(zed::Command {
        command: path.or_else(which).ok_or(NOT_FOUND)?,
        args: arguments.unwrap_or_else(|| vec!["server".into()]),
        env,
    })
}

/// What Zed answers when the server asks for its section. Settings may be given as they are, or in the section, as other editors
/// have them.
fn configuration(settings: Option<Value>) -> Value {
    match settings {
        None => json!({}),
        Some(section) if section.get(NAME).is_some() => section,
        Some(bare) => json!({ NAME: bare }),
    }
}

zed::register_extension!(CkptLsp);

#[cfg(test)]
mod tests {
    use super::*;
    use zed::serde_json;

    fn binary(json: Value) -> Option<CommandSettings> {
        Some(serde_json::from_value(json).unwrap())
    }

    fn line(binary: Option<CommandSettings>, which: Option<&str>) -> Result<Vec<String>> {
        let c = command(binary, || which.map(str::to_string), vec![])?;
        Ok([vec![c.command], c.args].concat())
    }

    #[test]
    fn the_settings_go_before_the_path() {
        let line = line(
            binary(
                json!({"path": "/opt/ckpt-lsp", "arguments": ["server", "--log-level", "debug"]}),
            ),
            Some("/usr/bin/ckpt-lsp"),
        );
        assert_eq!(
            line.unwrap(),
            ["/opt/ckpt-lsp", "server", "--log-level", "debug"]
        );
    }

    #[test]
    fn a_binary_without_arguments_is_the_server() {
        assert_eq!(
            line(binary(json!({"path": "/opt/ckpt-lsp"})), None).unwrap(),
            ["/opt/ckpt-lsp", "server"]
        );
    }

    #[test]
    fn the_path_is_searched() {
        assert_eq!(
            line(None, Some("/usr/bin/ckpt-lsp")).unwrap(),
            ["/usr/bin/ckpt-lsp", "server"]
        );
        assert_eq!(
            line(
                binary(json!({"arguments": ["server", "-v"]})),
                Some("ckpt-lsp")
            )
            .unwrap(),
            ["ckpt-lsp", "server", "-v"]
        );
    }

    #[test]
    fn a_missing_binary_is_said_with_what_to_do() {
        let error = line(None, None).unwrap_err();
        for part in ["PATH", "\"binary\"", "\"arguments\": [\"server\"]"] {
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn the_environment_is_the_shells_and_the_settings() {
        let env = vec![("HOME".to_string(), "/home/a".to_string())];
        let c = command(
            binary(json!({"path": "x", "env": {"PROXY_LOG": "log"}})),
            || None,
            env,
        )
        .unwrap();
        assert_eq!(
            c.env,
            [
                ("HOME".into(), "/home/a".into()),
                ("PROXY_LOG".into(), "log".into())
            ]
        );
    }

    #[test]
    fn settings_are_the_section_of_the_server() {
        assert_eq!(configuration(None), json!({}));
        assert_eq!(
            configuration(Some(json!({"codeLens": false}))),
            json!({"ckpt-lsp": {"codeLens": false}})
        );
        assert_eq!(
            configuration(Some(json!({"ckpt-lsp": {"codeLens": false}}))),
            json!({"ckpt-lsp": {"codeLens": false}})
        );
    }
}
