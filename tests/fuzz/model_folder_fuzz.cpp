// model_index.json of a model folder, with everything else in place.

#include "pipelines/weights/model_folder.h"
#include "tests/fuzz/fuzz_support.h"

#include <filesystem>
#include <fstream>
#include <string>
#include <unistd.h>

using namespace kinora;
namespace fs = std::filesystem;

namespace {

void write(const fs::path& path, std::string_view content) {
    fs::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << content;
}

// A folder with the smallest configs; removed when the process ends.
struct Folder {
    fs::path path = fs::temp_directory_path() / ("kinora-fuzz-" + std::to_string(::getpid()));
    Folder() {
        for (const char* file : {"unet/config.json", "vae/config.json", "text_encoder/config.json",
                                 "scheduler/scheduler_config.json"}) {
            write(path / file, "{}");
        }
        write(path / "tokenizer/vocab.json", "{}");
    }
    ~Folder() {
        std::error_code ignored;
        fs::remove_all(path, ignored);
    }
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    static const Folder folder;
    write(folder.path / "model_index.json", fuzz::text(data, size));
    fuzz::errorsAreAnswers([&] {
        auto model = pipelines::ModelFolder::open(folder.path);
        for (const char* component : {"unet", "vae", "text_encoder", "tokenizer", "scheduler"}) {
            fuzz::require(model.has(component) && !model.className(component).empty(),
                          "a folder that opens has every part");
        }
    });
    return 0;
}
