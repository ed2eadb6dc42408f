#pragma once
// Reads a model's vocabulary in the background when the model changes. UI thread only.

#include "core/library/prompt_vocabulary.h"

#include <QObject>
#include <QThreadPool>

#include <filesystem>

namespace kinora::app {

class VocabularyLoader : public QObject {
    Q_OBJECT
  public:
    explicit VocabularyLoader(QObject* parent = nullptr);
    ~VocabularyLoader() override;

    // Does nothing where it is the folder that was asked for last. An empty path has no words.
    void watch(const std::filesystem::path& modelFolder);

  signals:
    // Of the folder that was asked for last; answers to earlier questions are dropped.
    void loaded(const Result<core::PromptVocabulary>& vocabulary);

  private:
    QThreadPool m_pool;
    std::filesystem::path m_folder;
    int m_asked = 0;
};

} // namespace kinora::app
