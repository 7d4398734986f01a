"""The layers, lowest first, and the macros every layer's BUILD file is written with.

A layer may depend on itself and on the layers before it. A wrong edge fails while the BUILD file
loads; target visibility refuses it once more, also where a target was written without these macros.
"""

# Each layer's semantic version: users take layers one by one.
LAYERS = {
    "selectors": "0.1.0",
    "events": "0.1.0",
    "futures": "0.1.0",
    "tasks": "0.1.0",
    "sync": "0.1.0",
    "utils": "0.1.0",
    "transports": "0.1.0",
    "streams": "0.1.0",
    "subprocess": "0.1.0",
    "asyncio": "0.1.0",
}

# Whose libraries `--config=together` compiles as one. Not those of selectors, some of which its tests
# compile once more as for other systems.
_LIBRARIES_TOGETHER = [layer for layer in LAYERS if layer not in ["selectors", "asyncio"]]

# Folders that stand above all layers.
_ABOVE = ["benchmarks", "conformance", "docs", "examples"]

_ORDER = LAYERS.keys()

_VERSION_HEADER = """\
// Generated from tools/layers.bzl.
#ifndef ASYNCIO_{upper}_VERSION_H_
#define ASYNCIO_{upper}_VERSION_H_

#include <string_view>

namespace asyncio {{

inline constexpr std::string_view k{title}Version = "{version}";

}}  // namespace asyncio

#endif  // ASYNCIO_{upper}_VERSION_H_
"""

def _layer():
    """The layer of the current package."""
    layer = native.package_name().split("/")[0]
    if layer not in LAYERS:
        fail("//%s is no layer; the layers are %s" % (native.package_name(), " → ".join(_ORDER)))
    return layer

def _package_of(dep):
    """The package a label names, or None when it belongs to another repository."""
    for prefix in ["@asyncio//", "//"]:
        if dep.startswith(prefix):
            return dep[len(prefix):].split(":")[0]
    return None if dep.startswith("@") else native.package_name()

def _check_edges(name, deps):
    """Fails when a dependency stands above the current package."""
    package = native.package_name()
    layer = package.split("/")[0]
    if layer not in LAYERS:
        return
    if type(deps) != "list":
        fail("//%s:%s: deps must be a plain list, for its layers to be checked" % (package, name))
    for dep in deps:
        other = (_package_of(dep) or "").split("/")[0]
        if other in _ABOVE:
            fail("//%s:%s must not depend on %s: %s stands above all layers" %
                 (package, name, dep, other))
        if other in LAYERS and _ORDER.index(other) > _ORDER.index(layer):
            fail("//%s:%s must not depend on %s: %s stands below %s (%s)" %
                 (package, name, dep, layer, other, " → ".join(_ORDER)))

def _include(layer):
    """The folder of a layer's public headers; the top layer's stand directly in asyncio/."""
    return "include/asyncio" if layer == "asyncio" else "include/asyncio/" + layer

def _visible_from_above(layer):
    return ["//tools:above_" + layer]

def asyncio_library(name, deps = [], srcs = [], hdrs = [], **kwargs):
    """A public header of this layer: include/asyncio/<layer>/<name>.h, src/<name>.cc where it exists.

    Args:
      name: the header's name.
      deps: a plain list of labels.
      srcs: more sources.
      hdrs: more public headers.
      **kwargs: passed on to cc_library.
    """
    layer = _layer()
    header = "%s/%s.h" % (_include(layer), name)
    visibility = _visible_from_above(layer)
    _header_library(name, header, deps, srcs, hdrs, visibility = visibility, **kwargs)

def asyncio_part(name, deps = [], srcs = [], hdrs = [], **kwargs):
    """Like asyncio_library, but private to this repository.

    The header may also be src/<name>.h; then it is included as "<layer>/src/<name>.h".

    Args:
      name: the header's name.
      deps: a plain list of labels.
      srcs: more sources.
      hdrs: more headers.
      **kwargs: passed on to cc_library.
    """
    header = "src/%s.h" % name
    if not native.glob([header], allow_empty = True):
        header = "%s/%s.h" % (_include(_layer()), name)
    visibility = ["//:__subpackages__"]
    _header_library(name, header, deps, srcs, hdrs, visibility = visibility, **kwargs)

def _header_library(name, header, deps, srcs, hdrs, features = [], testonly = False, **kwargs):
    _check_edges(name, deps)
    if not native.glob([header], allow_empty = True):
        fail("//%s:%s: there is no %s" % (native.package_name(), name, header))
    in_include = header.startswith("include/")
    sources = native.glob(["src/%s.cc" % name], allow_empty = True) + srcs
    attributes = {
        "srcs": sources,
        "hdrs": [header] + hdrs,
        "strip_include_prefix": "include" if in_include else None,
        "deps": deps,
    }
    if _layer() in _LIBRARIES_TOGETHER and not testonly:
        # For asyncio_libraries_together(), which cannot read what select() chooses from.
        native.filegroup(
            name = name + "_parts",
            srcs = sources + [header] + hdrs,
            data = deps,
            tags = ["manual", "library_parts"],
            visibility = ["//visibility:private"],
        )
        attributes = _unless_together(attributes)
    attributes.update(kwargs)
    native.cc_library(
        name = name,
        features = ["layering_check"] + features,
        testonly = testonly,
        **attributes
    )
    if not sources:
        # Nothing else compiles this header by itself, which shows missing includes and undeclared
        # dependencies.
        include = header[len("include/"):] if in_include else native.package_name() + "/" + header
        _text_file(
            name = name + "_alone_source",
            out = name + "_alone.cc",
            content = "#include \"%s\"\n" % include,
            testonly = testonly,
        )
        native.cc_library(
            name = name + "_alone",
            srcs = [name + "_alone.cc"],
            features = ["layering_check"] + features,
            testonly = testonly,
            visibility = ["//visibility:private"],
            deps = deps + [":" + name],
        )

def _unless_together(attributes):
    """`attributes`, or, under `--config=together`, those that make a library stand for all."""
    together = {"deps": [":libraries_together"]}
    return {
        name: select({
            "//tools:libraries_together": together.get(name),
            "//conditions:default": value,
        })
        for name, value in attributes.items()
    }

def asyncio_test(name, deps = [], srcs = None, size = "small", features = [], tags = [], **kwargs):
    """A GoogleTest, of a layer test/<name>.cc; gtest, its main and the TSan suppressions are linked.

    Args:
      name: the test's name.
      deps: a plain list of labels.
      srcs: in place of test/<name>.cc.
      size: as for cc_test.
      features: more features.
      tags: as for cc_test; "alone" keeps it out of asyncio_tests_together().
      **kwargs: passed on to cc_test; what has any is alone too.
    """
    _check_edges(name, deps)
    native.cc_test(
        name = name,
        srcs = srcs or ["test/%s.cc" % name],
        size = size,
        features = ["layering_check"] + features,
        tags = tags + ([] if kwargs or "alone" in tags else ["together"]),
        deps = deps + _TEST_DEPS,
        **kwargs
    )

_TEST_DEPS = [
    "//tools:tsan_suppressions",
    "@com_google_googletest//:gtest",
    "@com_google_googletest//:gtest_main",
]

# How many files one translation unit of compiled_together() has: few enough for two processors to
# share a layer's tests.
_FILES_A_UNIT = 8

# For the targets of compiled_together(): a file's __FILE__ is as when it is compiled by itself.
TOGETHER_COPTS = ["-fmacro-prefix-map=./="]

def compiled_together(name, srcs, hdrs = []):
    """Sources that include `srcs`, eight each: their headers are read once for eight.

    Args:
      name: the sources are <name>_0.cc and so on; the library <name>_parts, a dependency of whatever
        has them, lets them include `srcs`.
      srcs: files of this package, in which no two declare the same.
      hdrs: more files of this package that they include.

    Returns:
      The sources.
    """
    native.cc_library(
        name = name + "_parts",
        textual_hdrs = srcs + hdrs,
        visibility = ["//visibility:private"],
    )
    units = []
    for begin in range(0, len(srcs), _FILES_A_UNIT):
        unit = "%s_%d" % (name, begin // _FILES_A_UNIT)
        units.append(unit + ".cc")
        _text_file(
            name = unit,
            out = unit + ".cc",
            content = "".join([
                "#include \"%s/%s\"\n" % (native.package_name(), src)
                for src in srcs[begin:begin + _FILES_A_UNIT]
            ]),
        )
    return units

def asyncio_tests_together():
    """The package's asyncio_tests once more, as one program, many compiled at once: `:together`.

    That takes a third of the time. CI does it where another configuration has compiled each by
    itself. Stands at the end of the BUILD file; `//...` does not include it.
    """
    tests = [rule for rule in native.existing_rules().values() if "together" in rule["tags"]]
    sources = depset([src.lstrip(":") for rule in tests for src in rule["srcs"]]).to_list()
    parts = sorted([source for source in sources if source.endswith(".cc")])
    native.cc_test(
        name = "together",
        srcs = compiled_together("together", parts) +
               [source for source in sources if source not in parts],
        size = "large",
        copts = TOGETHER_COPTS,
        shard_count = 4,
        tags = ["manual"],
        deps = depset(
            [dep for rule in tests for dep in rule["deps"]] + [":together_parts"],
        ).to_list(),
    )

def asyncio_libraries_together():
    """What `--config=together` puts in the place of each of the layer's libraries: all, as one.

    Compiled many at once they take a tenth of the time, two fifths under ASan. CI does it where another
    configuration has compiled each by itself. Stands at the end of the BUILD file.
    """
    rules = native.existing_rules().values()
    parts = [rule for rule in rules if "library_parts" in rule["tags"]]
    files = depset([file.lstrip(":") for part in parts for file in part["srcs"]]).to_list()
    public = [file for file in files if file.startswith("include/")]
    sources = sorted([file for file in files if file.endswith(".cc")])
    private = [file for file in files if file not in public + sources]
    own = [":" + part["name"][:-len("_parts")] for part in parts]
    native.cc_library(
        name = "libraries_together",
        srcs = compiled_together("libraries", sources, private),
        hdrs = public,
        copts = TOGETHER_COPTS,
        strip_include_prefix = "include",
        tags = ["manual"],
        visibility = ["//visibility:private"],
        deps = depset([dep for part in parts for dep in part["data"] if dep not in own]).to_list() +
               [":libraries_parts"],
    )

def asyncio_layer(deps):
    """The target named like its package: the layer's public libraries and asyncio/<layer>/version.h.

    Where include/asyncio/<layer>.h exists it is exported too: a header that includes all the others.

    Args:
      deps: all public libraries of the layer.
    """
    layer = _layer()
    _check_edges(layer, deps)
    version = _include(layer) + "/version.h"
    _text_file(
        name = "version_header",
        out = version,
        content = _VERSION_HEADER.format(
            title = layer.title(),
            upper = layer.upper(),
            version = LAYERS[layer],
        ),
    )
    native.cc_library(
        name = "version",
        hdrs = [version],
        strip_include_prefix = "include",
        visibility = _visible_from_above(layer),
    )
    exported = deps + [":version"]
    umbrella = "include/asyncio/%s.h" % layer
    if native.glob([umbrella], allow_empty = True):
        visibility = ["//visibility:private"]
        _header_library("umbrella", umbrella, exported, [], [], visibility = visibility)
        exported = exported + [":umbrella"]
    _exports(
        name = layer,
        visibility = _visible_from_above(layer),
        deps = exported,
    )

def layer_groups():
    """For tools/BUILD: per layer the package_group of everyone but the layers below it."""
    everyone = "public" if hasattr(native, "module_name") else "//..."
    for layer in _ORDER:
        native.package_group(
            name = "above_" + layer,
            packages = [everyone] + ["-//%s/..." % below for below in _ORDER[:_ORDER.index(layer)]],
        )

def _exports_impl(ctx):
    libraries = [dep[CcInfo] for dep in ctx.attr.deps]
    return [
        DefaultInfo(files = depset(transitive = [dep[DefaultInfo].files for dep in ctx.attr.deps])),
        cc_common.merge_cc_infos(direct_cc_infos = libraries),
        coverage_common.instrumented_files_info(ctx, dependency_attributes = ["deps"]),
    ]

# Unlike a cc_library without headers, this satisfies the layering check of a target that includes
# the headers of its deps.
_exports = rule(
    implementation = _exports_impl,
    attrs = {"deps": attr.label_list(providers = [CcInfo])},
    provides = [CcInfo],
)

def _text_file_impl(ctx):
    ctx.actions.write(ctx.outputs.out, ctx.attr.content)

_text_file = rule(
    implementation = _text_file_impl,
    attrs = {
        "content": attr.string(mandatory = True),
        "out": attr.output(mandatory = True),
    },
)
