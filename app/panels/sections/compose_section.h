#pragma once
// A part of the compose panel that is folded until it is used: what it is about is one line while
// it is folded. Sections are made by makeSections() (sections.h), one file each.

#include "app/widgets/fold_section.h"
#include "core/library/companion_info.h"
#include "pipelines/request/image_request.h"

#include <QPointer>
#include <QStringList>

#include <filesystem>
#include <string_view>
#include <vector>

class QLabel;

namespace kinora::app {

class GuidePictures;
class HintLine;
class ParameterField;
class RequestDocument;

class ComposeSection : public FoldSection {
    Q_OBJECT
  public:
    struct Parts {
        const Theme& theme;
        RequestDocument& document;
        GuidePictures& pictures;
    };
    ComposeSection(const Parts& parts, const QString& title);

    // Of the table, that are set here and nowhere else.
    virtual std::vector<std::string_view> parameters() const = 0;
    // Takes a file in, where it is one of its kind; false where it is not.
    virtual bool use(const core::CompanionInfo& file);
    // Takes a picture in, where its files look at one; empty, or why it cannot.
    virtual QString usePicture(const std::filesystem::path& file);

    // Whether a refusal of the engine is about what stands here.
    bool isAbout(const QString& message) const;
    // In the window's words; empty: there is none.
    void showProblem(const QString& sentence);
    QString problem() const;
    const std::vector<ParameterField*>& fields() const { return m_fields; }

  signals:
    void otherFileWanted(); // one that is not in the list
    void modelsFolderWanted();

  protected:
    const Theme& theme() const { return m_parts.theme; }
    RequestDocument& document() const { return m_parts.document; }
    const Parts& parts() const { return m_parts; }
    const pipelines::ImageRequest& request() const;
    // Shows the document as it is now.
    virtual void refresh() = 0;
    // "2", "canny, 0.8": empty while nothing is on.
    virtual QString summary() const = 0;
    // Words by which a refusal shows that it is about this section.
    virtual QStringList marks() const = 0;
    ParameterField* addField(std::string_view name);
    // To be called by the last constructor.
    void begin();

  private:
    void documentChanged();

    Parts m_parts;
    QLabel* m_problem;
    std::vector<ParameterField*> m_fields;
    bool m_wasUsed = false;
};

// How a refusal begins that is about a file: "style." of "style" and "/models/style.safetensors".
QString markOf(const std::string& fileOrName);

// "--hires" as the window calls it: "Second pass".
QString inWindowWords(QString sentence);

} // namespace kinora::app
