#pragma once
// What a run takes besides the model: pictures that it begins from, words that were learnt.
// Pipelines read no picture files: who starts the run reads them and brings them to its size.

#include "pipelines/image/host_tensor.h"
#include "pipelines/image/run_part.h"
#include "pipelines/image/run_preview.h"
#include "pipelines/request/image_request.h"
#include "pipelines/request/ip_adapter_choice.h"
#include "pipelines/text/learnt_words.h"

#include <cstddef>
#include <vector>

namespace kinora::pipelines {

struct RunInputs {
    // Of ControlNets and T2I-Adapters, prepared: [height,width,3] in 0..1, sRGB; of another size
    // than the run's, as in a second and larger pass, they are scaled.
    std::vector<HostTensor> controls, adapters;

    HostTensor init; // [height,width,3 or 4] in 0..1, sRGB, alpha straight
    HostTensor mask; // [height,width,1] in 0..1: from 0.5 on the picture is made anew
    std::vector<LearntWord> words = {}; // of files that fit the model
    RunPart part = {};                  // of the way from noise that this run goes
    std::vector<BegunBatch> begun = {}; // where it does not begin: what the part before left
    bool encodesLater = false; // a run that follows begins from a picture: what encodes it stays

    struct Prompt {         // a picture beside the prompt
        HostTensor picture; // [S,S,3] in 0..1, S as the model's picture encoder looks at them
        size_t adapter = 0; // of the model's
        double weight = 1;
    };
    std::vector<Prompt> prompts = {};
    PreviewChoice preview = {}; // where the request asks for previews
};

// Of a resolved request's pictures their shapes alone: what a run on the meta back end needs.
inline RunInputs inputShapes(const ImageRequest& request) {
    RunInputs inputs;
    if (!request.initPath.empty()) inputs.init.shape = {*request.height, *request.width, 3};
    if (hasMask(request)) inputs.mask.shape = {*request.height, *request.width, 1};
    const HostTensor picture{{*request.height, *request.width, 3}, {}};
    inputs.controls.assign(request.controls.size(), picture);
    inputs.adapters.assign(request.adapters.size(), picture);
    const std::vector<IpAdapterChoice> choices = ipAdapterChoices(request);
    const std::vector<size_t> numbers = adapterNumbers(choices);
    for (size_t i = 0; i < choices.size(); ++i)
        inputs.prompts.push_back({{}, numbers[i], choices[i].weight});
    return inputs;
}

} // namespace kinora::pipelines
