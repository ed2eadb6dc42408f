#pragma once
// A small checkpoint with something in each of its fields.

#include "core/engine/checkpoint.h"

namespace kinora::test {

inline core::Checkpoint sampleCheckpoint() {
    pipelines::ImageRequest request;
    request.prompt = "a \"red\" apple, größer";
    request.seed = 5;
    request.steps = 20;
    request.sampler = "dpmpp_2m";
    core::Checkpoint checkpoint;
    checkpoint.run = {core::requestIdentity(request),
                      "kinora 0.1.0 (abc1234)",
                      "Some CPU",
                      "f32",
                      2,
                      "0123abcd",
                      ""};
    checkpoint.state.round = 3;
    checkpoint.state.pass = 1;
    checkpoint.state.taken = {{2, {{2, 1, 1, 1}, {17, 18}}, {{5, 6}, {7}}},
                              {4, {{1, 1, 1, 1}, {19}}, {{8}}}};
    checkpoint.state.handed = {{0, {{1, 1, 2, 1}, {20, 21}}, {{}}}};
    checkpoint.state.picture = {{1, 1, 3}, {0.25f, 0.5f, 1}};
    pipelines::RunState& state = checkpoint.state.run.emplace();
    state.first = 2;
    state.pictures = 2;
    state.calls = 7;
    state.latents = {{2, 1, 2, 1}, {1.5f, -0.0f, 1e-30f, 4}};
    state.history = {{{2, 1, 2, 1}, {5, 6, 7, 8}}, {{2, 1, 2, 1}, {9, 10, 11, 12}}, {}};
    state.stepsTaken = 7;
    state.noise = {{1, 2, 0xffffffff}, {4}};
    state.finalLatents = {{2, 1, 1, 2}, {13, 14, 15, 16}};
    return checkpoint;
}

} // namespace kinora::test
