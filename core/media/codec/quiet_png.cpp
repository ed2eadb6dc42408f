// libpng's errors, kept off stderr. OIIO sets a function that notes an error and returns; libpng
// then prints the error itself before it leaves. The definition here is found before libpng's,
// since names are looked up in this library before those that it needs: behind OIIO's note it
// leaves at once. Source: libpng's manual, "Error handling": a function for errors is to leave by
// png_longjmp.

#include <dlfcn.h>

extern "C" {
struct png_struct_def; // of png.h, which is not among the packages that the build asks for
using PngMessage = void (*)(png_struct_def* png, const char* text);

__attribute__((visibility("default"))) void
png_set_error_fn(png_struct_def* png, void* user, PngMessage onError, PngMessage onWarning);
}

namespace {

template <typename Function> Function libpngs(const char* name) {
    return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

// OIIO's for the picture that this thread is at: it sets it when it opens one, and works on it
// there.
thread_local PngMessage noteError = nullptr;

void noteAndLeave(png_struct_def* png, const char* text) {
    static const auto leave = libpngs<void (*)(const png_struct_def*, int)>("png_longjmp");
    if (noteError) noteError(png, text);
    if (leave) leave(png, 1);
}

} // namespace

void png_set_error_fn(png_struct_def* png, void* user, PngMessage onError, PngMessage onWarning) {
    using Setter = void (*)(png_struct_def*, void*, PngMessage, PngMessage);
    static const auto set = libpngs<Setter>("png_set_error_fn");
    noteError = onError;
    if (set) set(png, user, noteAndLeave, onWarning);
}
