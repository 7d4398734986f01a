"""The flags with which a compiler, called by hand in a test, finds the headers of C++ libraries."""

def _short(path, bin_dir):
    """A path as it reads from the runfiles folder of this repository."""
    if path.startswith(bin_dir + "/"):
        path = path[len(bin_dir) + 1:]
    if path.startswith("external/"):
        path = "../" + path[len("external/"):]
    return path

def _include_flags_impl(ctx):
    bin_dir = ctx.bin_dir.path
    headers = []
    flags = {}
    for dep in ctx.attr.deps:
        context = dep[CcInfo].compilation_context
        headers.append(context.headers)
        for path in (context.includes.to_list() + context.quote_includes.to_list() +
                     context.system_includes.to_list()):
            option = "-isystem" if "external/" in path else "-I"
            flags[option + _short(path, bin_dir)] = None
    output = ctx.actions.declare_file(ctx.label.name)
    ctx.actions.write(output, "".join([flag + "\n" for flag in flags]))
    return [DefaultInfo(
        files = depset([output]),
        runfiles = ctx.runfiles(files = [output], transitive_files = depset(transitive = headers)),
    )]

include_flags = rule(
    doc = "Writes a file of flags, for @FILE, and has the headers that they find in its runfiles.",
    implementation = _include_flags_impl,
    attrs = {"deps": attr.label_list(providers = [CcInfo])},
)
