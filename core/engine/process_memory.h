#pragma once
// How much memory the process has, and what a run adds to its weights and its arena.

#include <cstddef>
#include <cstdint>

namespace kinora::core {

// Resident set of this process: now, and at its highest. 0 where the system does not say.
uint64_t residentBytes();
uint64_t peakResidentBytes();

// Code that oneDNN generates for one network (text encoder, denoiser or VAE), with the pages of the
// library that it touches. Measured on Debian 12 (x86-64, 2 threads): 0.5 to 6 MiB.
inline constexpr uint64_t kGeneratedCodeBytes = 4u << 20;

// What becomes resident when the picture library is opened: the relocations and first pages of over
// a hundred shared libraries. Measured on Debian 12 (x86-64): 120 MiB.
inline constexpr uint64_t kPictureLibraryBytes = 120u << 20;

} // namespace kinora::core
