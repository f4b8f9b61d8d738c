//! The program. All of it is in the library: what is asynchronous is compiled where it is run, and would be compiled twice.

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    vulndesk::command_line::main()
}
