//! The supervisor tried with plain commands in the place of a JVM.

use super::*;

/// A directory of its own inside a cluster directory, as the supervisor expects it.
fn directory(name: &str) -> PathBuf {
    let id = super::super::directory::random();
    let path = std::env::temp_dir()
        .join(format!("weft-supervised-{id:016x}"))
        .join(name);
    fs::create_dir_all(&path).unwrap();
    path
}

fn start(directory: &Path, script: &str) -> SupervisedJvm {
    let arguments = ["-c".to_owned(), script.to_owned()];
    SupervisedJvm::start(Path::new("sh"), &arguments, directory).unwrap()
}

/// The state letter of a process as Linux tells it; nothing once it is gone.
fn state(process_id: u32) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{process_id}/stat")).ok()?;
    stat.rsplit(") ").next()?.chars().next()
}

fn until(what: &str, mut reached: impl FnMut() -> bool) {
    for _ in 0..TRIES {
        if reached() {
            return;
        }
        std::thread::yield_now();
        // Waiting by running something, since nothing here announces the end of a foreign process.
        Command::new("sh")
            .args(["-c", "sleep 0.01"])
            .status()
            .unwrap();
    }
    panic!("{what} did not happen");
}

#[test]
fn a_killed_process_is_gone_when_the_call_returns_and_its_files_stay() {
    let directory = directory("node");
    let mut process = start(&directory, "echo started; exec sleep 1000");
    until("the first line", || {
        last_log_lines(&directory, 0, 1) == ["started"]
    });
    process.signal(Signal::Kill).unwrap();
    assert!(process.has_exited());
    assert_eq!(state(process.process_id()), None);
    assert!(log_path(&directory).exists());
    fs::remove_dir_all(directory.parent().unwrap()).unwrap();
}

#[test]
fn a_stopped_process_stands_still_until_it_is_continued() {
    let directory = directory("node");
    let mut process = start(&directory, "exec sleep 1000");
    process.signal(Signal::Stop).unwrap();
    until("the stop", || state(process.process_id()) == Some('T'));
    process.signal(Signal::Continue).unwrap();
    until("the continuation", || {
        state(process.process_id()) == Some('S')
    });
    drop(process);
    fs::remove_dir_all(directory.parent().unwrap()).unwrap();
}

#[test]
fn a_process_that_ends_by_itself_is_noticed_and_its_last_lines_can_be_read() {
    let directory = directory("node");
    let mut process = start(&directory, "echo one; echo two; echo three >&2");
    until("the exit", || process.has_exited());
    assert_eq!(last_log_lines(&directory, 0, 2), ["two", "three"]);
    assert_eq!(last_log_lines(&directory, 8, 30), ["three"]);
    process.signal(Signal::Kill).unwrap();
    fs::remove_dir_all(directory.parent().unwrap()).unwrap();
}

#[test]
fn a_process_and_its_files_vanish_when_its_test_process_is_killed() {
    const DIRECTORY: &str = "WEFT_TEST_SUPERVISED_DIRECTORY";
    const NAME: &str = "a_process_and_its_files_vanish_when_its_test_process_is_killed";
    if let Some(directory) = std::env::var_os(DIRECTORY) {
        // The second run of this test: the process that will be killed.
        let directory = PathBuf::from(directory);
        let process = start(&directory, "exec sleep 1000");
        fs::write(
            directory.join("process-id"),
            process.process_id().to_string(),
        )
        .unwrap();
        Command::new("sleep").arg("1000").status().unwrap();
        return;
    }
    let directory = directory("node");
    let mut test_process = Command::new(std::env::current_exe().unwrap())
        .args([NAME, "--nocapture"])
        .env(DIRECTORY, &directory)
        .process_group(0)
        .spawn()
        .unwrap();
    let read = || {
        fs::read_to_string(directory.join("process-id"))
            .ok()?
            .parse::<u32>()
            .ok()
    };
    until("the start", || read().is_some());
    let process_id = read().unwrap();
    assert_ne!(state(process_id), None);
    // The whole group, for the sake of the test's own `sleep`; the supervisor is not in it.
    let group = format!("-{}", test_process.id());
    Command::new("kill")
        .args(["-s", "KILL", "--", &group])
        .status()
        .unwrap();
    test_process.wait().unwrap();
    until("the end", || state(process_id).is_none());
    until("the removal", || !directory.parent().unwrap().exists());
}

/// How often something is looked at, a hundredth of a second apart, before it is given up.
const TRIES: u32 = 1000;
