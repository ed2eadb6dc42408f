#include "app/models/vocabulary_loader.h"

#include "app/models/background.h"
#include "kernels/base/log.h"

#include <QElapsedTimer>

#include <string>

namespace kinora::app {

VocabularyLoader::VocabularyLoader(QObject* parent) : QObject(parent) {
    m_pool.setMaxThreadCount(1);
}

VocabularyLoader::~VocabularyLoader() {
    m_pool.waitForDone();
}

void VocabularyLoader::watch(const std::filesystem::path& modelFolder) {
    if (modelFolder == m_folder) return;
    m_folder = modelFolder;
    ++m_asked;
    runInBackground(
        m_pool, this,
        [folder = modelFolder]() -> Result<core::PromptVocabulary> {
            if (folder.empty()) return core::PromptVocabulary();
            QElapsedTimer clock;
            clock.start();
            auto vocabulary = core::PromptVocabulary::load(folder);
            logMessage(LogLevel::Info, "The words that the model knows were read in " +
                                           std::to_string(clock.elapsed()) + " ms.");
            return vocabulary;
        },
        [this, asked = m_asked](const Result<core::PromptVocabulary>& vocabulary) {
            if (asked == m_asked) emit loaded(vocabulary);
        });
}

} // namespace kinora::app
