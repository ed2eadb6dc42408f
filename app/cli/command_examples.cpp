#include "app/cli/command_examples.h"

namespace kinora::app {
namespace {

using Line = std::string_view;

constexpr Line kImage[] = {
    R"(kinora image --prompt "3d emoji of a red apple" --output apple.png)",
    R"(kinora image --model dreamshaper_8 --prompt "a fox <lora:ink:0.7>")",
    R"(kinora image --prompt "a fox" --sampler "DPM++ 2M Karras" --count 4)",
    R"(kinora image --prompt "a red door" --init house.png --mask door.png)",
    R"(kinora image --prompt "a lake" --init hill.png --outpaint 128,0,128,0)",
    R"(kinora image --prompt "a room" --control sd15_canny --control-image room.jpg)",
    R"(kinora image --prompt "a fox" --hires 2 --hires-upscaler 4x-UltraSharp)",
};
constexpr Line kQueue[] = {
    R"(kinora queue add --prompt "a fox in the snow" --count 20)",
    "kinora queue list",
    "kinora queue run",
};
constexpr Line kRender[] = {
    "kinora render foxes.kinora --dry-run",
    "kinora render foxes.kinora",
};
constexpr Line kProject[] = {
    "kinora project batch prompts.txt --output foxes.kinora --count 4",
    "kinora project batch table.csv --output grid.kinora --grid cfg=4,7,10",
    "kinora project add foxes.kinora old-fox.png",
};
constexpr Line kModels[] = {
    "kinora models add ~/stable-diffusion-webui",
    "kinora models",
    "kinora models show dreamshaper_8",
};
constexpr Line kUpscale[] = {
    "kinora upscale fox.png --model 4x-UltraSharp --output large.png",
};
constexpr Line kVerify[] = {
    "kinora verify fox.png",
    "kinora verify door.png --input house.png --input mask.png",
};
constexpr Line kBench[] = {
    "kinora bench unet --arch sd15 --dtype bf16 --json",
};

struct Examples {
    std::string_view command;
    std::span<const Line> lines;
};
constexpr Examples kExamples[] = {
    {"image", kImage},   {"queue", kQueue},     {"render", kRender}, {"project", kProject},
    {"models", kModels}, {"upscale", kUpscale}, {"verify", kVerify}, {"bench", kBench},
};

} // namespace

std::span<const std::string_view> examplesOf(std::string_view command) {
    for (const Examples& examples : kExamples)
        if (examples.command == command) return examples.lines;
    return {};
}

} // namespace kinora::app
