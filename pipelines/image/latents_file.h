#pragma once
// Latents in a safetensors file: one tensor `latents`, [N,C,h,w] f32, as diffusers gives and takes
// them.

#include "kernels/backend/device.h"
#include "kernels/tensor/tensor.h"
#include "pipelines/image/host_tensor.h"

#include <filesystem>
#include <string>
#include <utility>

namespace kinora::pipelines {

class LatentsFile {
  public:
    // Whether a run of shape [N,h,w,C] can begin from entry `first` of the file on. Throws
    // Error{BadFile, NotFound, Unsupported, Io}, which names the expected and the found shape, or
    // the first value that is no number. Reads these entries once, in blocks.
    static void check(const std::filesystem::path& path, int64_t first,
                      const kernels::Shape& shape);

    // Pictures [first, first + shape[0]) of the file as [n,h,w,C] f32. Throws Error{BadFile,
    // NotFound}, which names the expected and the found shape.
    static kernels::Tensor read(const std::filesystem::path& path, kernels::Device& device,
                                int64_t first, const kernels::Shape& shape);

    // Collects the final latents of a run; finish() writes beside the path and renames. With an
    // empty path both do nothing.
    class Writer {
      public:
        // earlier: what another writer had collected when its run was interrupted.
        explicit Writer(std::filesystem::path path, HostTensor earlier = {})
            : m_path(std::move(path)), m_collected(std::move(earlier)) {}
        void add(const kernels::Tensor& latents);                   // [n,h,w,C] f32
        const HostTensor& collected() const { return m_collected; } // [N,C,h,w]
        void finish();                                              // Throws Error{Io, DiskFull}

      private:
        std::filesystem::path m_path;
        HostTensor m_collected;
    };
};

} // namespace kinora::pipelines
